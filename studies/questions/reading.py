"""Readers of what browsers send, shared by the question types. Each raises ValidationError, which participants read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NoReturn, TypeVar

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

NUMERAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)  # no "nan", nor "1_000"
THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
LARGEST_NUMBER: Final = 10**15  # what JavaScript and CSV readers still tell apart

T = TypeVar("T")


def read_number(value: object, *, whole: bool = False) -> float:
    """A number, also as people write it: with spaces, with a decimal comma, with a minus sign of typographers."""
    if isinstance(value, str):
        numeral = "".join(value.split()).replace(",", ".").replace("−", "-")
        # a thousand to one reader, one to another
        if THOUSANDS.fullmatch(value.strip()) or NUMERAL.fullmatch(numeral) is None:
            raise ValidationError(_("Please write this as a number, in digits."))
        value = float(numeral)
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse()
    if not abs(value) <= LARGEST_NUMBER:  # nor is NaN
        raise ValidationError(_("This number is too large."))
    if whole and value != int(value):
        raise ValidationError(_("Please give a whole number."))
    return float(value)


def read_text(value: object, max_length: int) -> str:
    """A text of at most so many characters, without what a database cannot hold."""
    if not isinstance(value, str):
        refuse()
    # a database takes neither NUL nor halves of a surrogate pair, and browsers send line ends as two characters
    text = value.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "ignore").decode().strip()
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
    raise ValidationError(_("This is not one of the answers. Please choose again."))
