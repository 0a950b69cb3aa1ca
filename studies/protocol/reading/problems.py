"""Turns what pydantic found into problems a researcher can act on: a path, what was found, what is expected, "did you
mean"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from inference.contract.errors import OptionError
from studies.errors import Problem
from studies.protocol.reading.locating import Located, located
from studies.questions.fields import KEY_PATTERN, LANGUAGE_PATTERN, ORIGIN_PATTERN, Place

LONGEST_FOUND: Final = 40
MOST_PROBLEMS: Final = 200
"""Of more, nobody reads all, and finding words for them takes long."""
EXPECTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a block of named values",
    "model_type": "a block of named values",
    "model_attributes_type": "a block of named values",
}
PATTERNS: Final = {
    KEY_PATTERN: "lower-case letters, digits, - and _ only, beginning with a letter or digit",
    LANGUAGE_PATTERN: "a language tag, such as sv, de-AT or sr-Latn",
    r"^\d{4}-\d{2}-\d{2}$": "a day, such as 2026-12-31",
    r"^[A-Za-z0-9-]{1,40}$": "a code of letters, digits and -",
    r"^[A-Za-z][A-Za-z0-9_]{0,39}$": "the name of a URL parameter: letters, digits and _",
    r"^https://\S+$": "an address beginning with https://",
    ORIGIN_PATTERN: "the origin of a site without a path, such as https://worker.mturk.com",
}
NESTED: Final = "; translations are flat, a path and its text: `consent.text: ...`"
_NUMBER: Final = re.compile(r"[-+]?\d+(\.\d+)?")
LIMITS: Final = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


def path_of(place: Iterable[int | str]) -> str:
    """("conditions", 1, "voices") -> "conditions[1].voices"."""
    path = ""
    for part in place:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def suggestion(name: str, known: Iterable[str]) -> str:
    """What to say of an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    near = nearest(name, names)
    return f"did you mean {near}?" if near is not None else f"known: {', '.join(names) or 'none'}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelt most like it; None where none is like it."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6) or get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return near[0] if near else None


def option_problem(error: OptionError, place: Place) -> Problem:
    """What is wrong with one of the options, or parameters, at `place`."""
    path = path_of((*place, error.name))
    if error.known:
        return Problem(path, f"is not a key here; {suggestion(error.name, error.known)}")
    return Problem(path, f"is {found(error.value)}; expected {error.expected}")


def found(value: object) -> str:
    """A value in few words, as YAML would say it."""
    if isinstance(value, Mapping):
        return "a block of named values"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**LONGEST_FOUND:
        return "a number of more than 40 digits"
    text = repr(value)
    return text if len(text) <= LONGEST_FOUND else f"{text[: LONGEST_FOUND - 2]}…{text[-1]}"


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every problem pydantic found in a document for `model`, in the document's order; one where it tried several types
    in vain; the first of very many. What is no plain data is left to `check_plain`."""
    items = [located(item, model) for item in error.errors(include_url=False) if item["type"] != "invalid_key"]
    more, items = len(items) - MOST_PROBLEMS, items[:MOST_PROBLEMS]
    problems: dict[tuple[str, str], Problem] = {}
    for item in items:
        if _is_told_better(item, items):
            continue
        problem = Problem(path_of(_place(item)), _message(item))
        problems.setdefault((problem.path, problem.message), problem)
    rest = [Problem("", f"has {more:,} more problems; fix these first")] if more > 0 else []
    return [*problems.values(), *rest]


def _is_told_better(item: Located, items: Iterable[Located]) -> bool:
    """Whether it only says that a value is none of the other types of a union, of one of which it clearly is."""
    if item.member is None or not item.among or not _is_of_another_type(item):
        return False
    may_be_list = isinstance(item.found, list) and "a list" in item.among
    return may_be_list or any(other.place == item.place and not _is_of_another_type(other) for other in items)


def _is_of_another_type(item: Located) -> bool:
    return item.kind in EXPECTED or item.kind == "literal_error"


def _place(item: Located) -> Place:
    return (*item.place, "type") if item.kind.startswith("union_tag") else item.place


def _message(item: Located) -> str:
    kind, context, value = item.kind, item.context, found(item.found)
    if kind == "missing":
        return f"is missing; expected {' or '.join(item.words)}" if item.words else "is missing"
    if kind == "extra_forbidden":
        known = item.owner.model_fields if item.owner else ()
        return f"is not a key here; {suggestion(str(item.place[-1]), known)}"
    if kind == "union_tag_not_found":
        names = item.found if isinstance(item.found, Mapping) else ()
        near = nearest("type", (name for name in names if isinstance(name, str)))
        return f"is missing; expected {_tags(item)}" + (f"; did you mean it by {near}?" if near is not None else "")
    if kind == "union_tag_invalid":
        tag = item.found.get("type") if isinstance(item.found, Mapping) else None
        return f"is {found(tag)}; expected {_tags(item)}{_nearest(tag, item.tags)}"
    if item.among and _is_of_another_type(item):  # no type of a union fits
        return f"is {value}; expected {item.among}{_nearest(item.found, item.words)}"
    if kind == "literal_error":
        newer = "; that version belongs to a newer release of this software" if _is_newer(item) else ""
        return f"is {value}; expected {context['expected']}{_nearest(item.found, item.words)}{newer}"
    if kind in EXPECTED:
        hint = _hint(kind, item.found) or (NESTED if item.place[:-1] and item.place[0] == "translations" else "")
        return f"is {value}; expected {EXPECTED[kind]}{hint}"
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        return f"is {value}; expected {PATTERNS.get(pattern, f'text that fits {pattern}')}"
    if kind == "value_error":  # the only one is of days
        return f"is {value}; expected a day that exists in the calendar"
    if kind in LIMITS:
        name, words = LIMITS[kind]
        return f"is {value}; expected {words} {context[name]:g}"
    return _size(kind, context, item.found) or f"is {value}; {item.said}"


def _size(kind: str, context: Mapping[str, Any], value: Any) -> str:
    if kind == "string_too_short":
        return "is empty; expected some text"
    if kind == "string_too_long":
        return f"is {len(value):,} characters long; expected at most {context['max_length']:,}"
    if kind in ("too_short", "too_long"):
        least = kind == "too_short"
        limit = context["min_length" if least else "max_length"]
        entries = "one entry" if len(value) == 1 else f"{len(value) or 'no'} entries"
        return f"has {entries}; expected {'at least' if least else 'at most'} {limit}"
    return ""


def _hint(kind: str, value: object) -> str:
    if kind == "string_type" and isinstance(value, int | float):
        return "; put it in quotes"
    if kind == "bool_type" and isinstance(value, str) and value.lower() in ("yes", "no", "on", "off"):
        return f"; write {'true' if value.lower() in ('yes', 'on') else 'false'}"
    if kind in ("int_type", "float_type") and isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return ", without quotes"
    return ""


def _nearest(value: object, words: Iterable[str]) -> str:
    near = get_close_matches(value.lower(), list(words), n=1, cutoff=0.6) if isinstance(value, str) else []
    if near == [value]:  # a number that was put in quotes
        return ", without quotes"
    return f"; did you mean {near[0]}?" if near else ""


def _is_newer(item: Located) -> bool:
    """Whether it is a version of the schema that is not known yet."""
    return item.place == ("version",) and type(item.found) is int and item.found > int(item.words[0])


def _tags(item: Located) -> str:
    return f"one of {', '.join(item.tags)}"
