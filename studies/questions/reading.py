"""Reads answers as forms and scripts send them, and checks them against their item.

`posted` finds an item's answer among the fields of a form; `checked` makes of it, or of JSON, the value that is kept
(see `studies.design.questions`). Fields are named by the item's key; `key.row` is a row, `key.other` one's own words,
`key.extra` an answer beside a line, `key.plays` and `key.listened_sec` belong to a recording."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.formats import date_format, get_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from studies.design.questions import NO_DIFFERENCE, OTHER, VISUAL_ANALOGUE_MAX, is_answered
from studies.protocol.items import (
    AnyItem,
    ChoiceOption,
    Choices,
    Date,
    Likert,
    LongText,
    MultipleChoice,
    Notice,
    Number,
    Playback,
    Preference,
    SelfAssessmentManikin,
    SemanticDifferential,
    ShortText,
    SingleChoice,
    Switch,
    VisualAnalogue,
)

OTHER_MAX_LENGTH: Final = 500
NUMERAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)  # no "nan", nor "1_000"
THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
LARGEST_NUMBER: Final = 10**15  # what JavaScript and CSV readers still tell apart
LONGEST_SEC: Final = 86_400
MOST_PLAYS: Final = 10_000


def posted(item: AnyItem, data: QueryDict) -> Any:
    """What a form says to an item, not checked yet; None where it says nothing."""
    key = item.key
    match item:
        case SingleChoice():
            chosen, words = data.get(key), data.get(f"{key}.{OTHER}", "")
            own = item.other is not None and (chosen == OTHER or (not chosen and words.strip()))
            return {OTHER: words} if own else chosen
        case MultipleChoice():
            listed: list[Any] = [value for value in data.getlist(key) if value != OTHER]
            words = data.get(f"{key}.{OTHER}", "")
            if item.other is not None and (OTHER in data.getlist(key) or words.strip()):
                listed.append({OTHER: words})
            return listed
        case VisualAnalogue():
            return data.get(f"{key}.extra") or data.get(key)
        case SemanticDifferential():
            rows = {row.key: data.get(f"{key}.{row.key}") for row in item.rows}
            return {row: value for row, value in rows.items() if value}
        case Playback():
            return {"plays": data.get(f"{key}.plays") or 0, "listened_sec": data.get(f"{key}.listened_sec") or 0}
        case _:
            return data.get(key)


def checked(item: AnyItem, value: Any, *, complete: bool = True, sides: Collection[str] = ()) -> Any:
    """The value to keep; None for no answer. `complete`: also whether the answer is there and whole, as it must be to
    go on; without that it may be half given. `sides`: of the pair. Raises ValidationError for participants to read."""
    given = _read(item, value, sides) if is_answered(value) else None
    if not is_answered(given):
        given = None
    if complete:
        _check_complete(item, given)
    return given


def _read(item: AnyItem, value: Any, sides: Collection[str]) -> Any:
    match item:
        case SingleChoice():
            return _option(item, value)
        case MultipleChoice():
            return _chosen(item, value)
        case Likert():
            return _extra(item.extra, value) or _point(value, item.points)
        case VisualAnalogue():
            return _extra(item.extra, value) or _place(value)
        case SemanticDifferential():
            return _points_of_rows(item, value)
        case SelfAssessmentManikin():
            return _point(value, item.points)
        case Number():
            return _amount(item, value)
        case ShortText() | LongText():
            text = _text(value, item.max_length)
            return " ".join(text.splitlines()) if isinstance(item, ShortText) else text
        case Switch():
            return _one_of({"true": True, "false": False}, value)
        case Date():
            return _day(item, value)
        case Playback():
            return _heard(value)
        case Preference():
            verdicts = [*sides, *([NO_DIFFERENCE] if item.no_difference else [])]
            return _one_of({verdict: verdict for verdict in verdicts}, value)
        case Notice():
            raise ValidationError(_("There is nothing to answer here."))


def _check_complete(item: AnyItem, value: Any) -> None:
    if isinstance(item, Notice | Playback):  # what must be heard is known to the page (see `questions`)
        return
    if value is None:
        if item.required:
            writes = isinstance(item, Number | ShortText | LongText | Date)
            raise ValidationError(_("Please fill this in.") if writes else _("Please choose an answer."))
        return
    parts = value if isinstance(value, list) else [value]
    if isinstance(item, Choices) and any(isinstance(part, Mapping) and not part[OTHER] for part in parts):
        raise ValidationError(_("Please say it in your own words, or choose another answer."))
    if isinstance(item, MultipleChoice) and len(parts) < item.min_choices:
        least = item.min_choices
        text = ngettext("Please choose at least %(n)s answer.", "Please choose at least %(n)s answers.", least)
        raise ValidationError(text % {"n": least})
    if isinstance(item, SemanticDifferential) and item.required and len(value) < len(item.rows):
        raise ValidationError(_("Please choose an answer in every row."))


def _option(item: Choices, value: Any) -> Any:
    if item.other is not None and isinstance(value, Mapping) and set(value) == {OTHER}:
        return {OTHER: _text(value[OTHER], OTHER_MAX_LENGTH)}
    keys = [option.key for option in item.options if isinstance(option, ChoiceOption)]
    return _one_of({key: key for key in keys}, value)


def _chosen(item: MultipleChoice, value: Any) -> list[Any]:
    given = [_option(item, part) for part in value] if isinstance(value, list) else _refuse()
    own = [part for part in given if isinstance(part, Mapping)]
    keys = [option.key for option in item.options if isinstance(option, ChoiceOption) and option.key in given]
    most = item.max_choices
    if most is not None and len(keys) + len(own[:1]) > most:
        text = ngettext("Please choose no more than %(n)s answer.", "Please choose no more than %(n)s answers.", most)
        raise ValidationError(text % {"n": most})
    return [*keys, *own[:1]]


def _extra(options: Sequence[ChoiceOption], value: Any) -> str | None:
    return value if isinstance(value, str) and any(option.key == value for option in options) else None


def _point(value: Any, points: int) -> int:
    number = _number(value, whole=True)
    return int(number) if 1 <= number <= points else _refuse()


def _place(value: Any) -> float:
    number = _number(value)
    if not 0 <= number <= VISUAL_ANALOGUE_MAX:
        raise ValidationError(_("Please give a number from 0 to 100."))
    return round(number, 1)


def _points_of_rows(item: SemanticDifferential, value: Any) -> dict[str, int]:
    rows = [row.key for row in item.rows]
    if not isinstance(value, Mapping) or not set(value) <= set(rows):
        _refuse()
    return {row: _point(value[row], item.points) for row in rows if is_answered(value.get(row))}


def _amount(item: Number, value: Any) -> int | float:
    number = _number(value, whole=item.whole)
    low, high = item.min, item.max
    if low is not None and high is not None and not low <= number <= high:
        raise ValidationError(
            _("Please give a number from %(low)s to %(high)s.") % {"low": _said(low), "high": _said(high)}
        )
    if low is not None and number < low:
        raise ValidationError(_("Please give a number that is not below %(low)s.") % {"low": _said(low)})
    if high is not None and number > high:
        raise ValidationError(_("Please give a number that is not above %(high)s.") % {"high": _said(high)})
    return int(number) if number == int(number) else number


def _number(value: Any, whole: bool = False) -> float:
    if isinstance(value, str):
        numeral = "".join(value.split()).replace(",", ".").replace("−", "-")
        # a thousand to one reader, one to another
        if THOUSANDS.fullmatch(value.strip()) or NUMERAL.fullmatch(numeral) is None:
            raise ValidationError(_("Please write this as a number, in digits."))
        value = float(numeral)
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse()
    if not abs(value) <= LARGEST_NUMBER:  # nor is NaN
        raise ValidationError(_("This number is too large."))
    if whole and value != int(value):
        raise ValidationError(_("Please give a whole number."))
    return float(value)


def _said(number: float) -> str:
    """With the language's decimal sign."""
    return f"{number:g}".replace(".", get_format("DECIMAL_SEPARATOR"))


def _text(value: Any, max_length: int) -> str:
    if not isinstance(value, str):
        _refuse()
    # a database takes neither NUL nor halves of a surrogate pair, and browsers send line ends as two characters
    text = str(value).replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "ignore").decode().strip()
    if len(text) > max_length:
        over = len(text) - max_length
        shorter = ngettext(
            "This is too long. Please shorten it by %(n)s character.",
            "This is too long. Please shorten it by %(n)s characters.",
            over,
        )
        raise ValidationError(shorter % {"n": over})
    return text


def _day(item: Date, value: Any) -> str:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2026-12-31") else None
    except ValueError:
        day = None
    if day is None:
        raise ValidationError(_("Please give a day as year, month and day, such as 2026-12-31."))
    first, last = (date.fromisoformat(limit) if limit else None for limit in (item.min, item.max))
    if first is not None and day < first:
        raise ValidationError(_("Please give a day that is not before %(day)s.") % {"day": date_format(first)})
    if last is not None and day > last:
        raise ValidationError(_("Please give a day that is not after %(day)s.") % {"day": date_format(last)})
    return day.isoformat()


def _heard(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping) or not set(value) <= {"plays", "listened_sec"}:
        _refuse()
    plays = _number(value.get("plays", 0), whole=True)
    listened_sec = _number(value.get("listened_sec", 0))
    if not (0 <= plays <= MOST_PLAYS and 0 <= listened_sec <= LONGEST_SEC):
        _refuse()
    return {"plays": int(plays), "listened_sec": round(listened_sec, 1)} if plays or listened_sec else None


def _one_of(known: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, bool):
        return value if value in known.values() else _refuse()
    return known[value] if isinstance(value, str) and value in known else _refuse()


def _refuse() -> Any:
    raise ValidationError(_("This is not one of the answers. Please choose again."))
