"""Readers of what browsers send, shared by the question types. Each raises ValidationError, which participants read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final, NoReturn, TypeVar
from unicodedata import normalize

from babel import Locale
from babel.core import UnknownLocaleError
from babel.numbers import get_decimal_symbol
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

NUMERAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)  # no "nan", nor "1_000"
SPACED: Final = re.compile(r"(?<!\d)\d{1,3}(?:\s\d{3})+(?!\d)")  # 12 000
THOUSAND_OR_NOT: Final = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}")
PAGE_LANGUAGE: Final[ContextVar[str]] = ContextVar("PAGE_LANGUAGE", default="")
"""The language of the page, where it is the study's and not the interface's."""
LARGEST_NUMBER: Final = 10**15  # what JavaScript and CSV readers still tell apart

T = TypeVar("T")


def read_written_number(value: object, *, whole: bool = False) -> float:
    """A number as people write it: with spaces between thousands, with a decimal point or comma, with a minus sign of
    typographers. The same is in js/questions/fields.js.

    In 12.000 the sign may be either, whatever the language: people do not change how they write with the page. Where
    fractions are asked for, the language's own decimal sign is taken for one."""
    if not isinstance(value, str):
        return read_number(value, whole=whole)
    written = value.strip()
    numeral = SPACED.sub(lambda found: "".join(found[0].split()), written.replace("−", "-"))
    unclear = THOUSAND_OR_NOT.fullmatch(numeral)
    if unclear and (whole or unclear[1] != decimal_sign()):
        thousands, fraction = re.sub("[.,]", "", numeral), plainly(float(numeral.replace(",", ".")))
        readings = {"written": written, "thousands": thousands, "fraction": fraction}
        raise ValidationError(
            _("“%(written)s” could mean %(thousands)s or %(fraction)s. Please write the number you mean.") % readings
        )
    return read_number(numeral.replace(",", "."), whole=whole)


def decimal_sign() -> str:
    """Of the page's language, by Unicode's CLDR."""
    try:
        language = Locale.parse(PAGE_LANGUAGE.get() or get_language() or "en", sep="-")
        return str(get_decimal_symbol(language, numbering_system="latn"))
    except (ValueError, UnknownLocaleError):
        return "."


def plainly(number: float) -> str:
    """A number as it is written in the page's language, all its digits, without signs between thousands."""
    whole = int(number) if number == int(number) else number
    return str(whole).replace(".", decimal_sign())


def read_number(value: object, *, whole: bool = False) -> float:
    """A number; as text, as our own pages send it."""
    if isinstance(value, str):
        if NUMERAL.fullmatch(value.strip()) is None:
            raise ValidationError(_("Please enter a number, in digits."))
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse()
    if not abs(value) <= LARGEST_NUMBER:  # nor is NaN
        raise ValidationError(_("This number is too large."))
    if whole and value != int(value):
        raise ValidationError(_("Please enter a whole number."))
    return float(value)


def read_text(value: object, max_length: int) -> str:
    """A text of at most so many characters, in Unicode's composed form (NFC), without what a database cannot hold."""
    if not isinstance(value, str):
        refuse()
    # a database takes neither NUL nor halves of a surrogate pair, and browsers send line ends as two characters
    text = value.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "ignore").decode()
    text = normalize("NFC", text).strip()  # some keyboards send å as a and a ring
    if len(text) > max_length:
        over = len(text) - max_length
        shorter = ngettext(
            "This is too long. Please shorten it by %(n)s character.",
            "This is too long. Please shorten it by %(n)s characters.",
            over,
        )
        raise ValidationError(shorter % {"n": over})
    return text


def read_one_of(known: Mapping[str, T], value: object) -> T:
    """One of these answers, by its name; yes and no also as they are."""
    if isinstance(value, bool):
        for answer in known.values():
            if answer is value:
                return answer
    elif isinstance(value, str) and value in known:
        return known[value]
    return refuse()


def refuse() -> NoReturn:
    raise ValidationError(_("This is not one of the possible answers. Please choose again."))
