"""Whether a document is plain data that every database, and JSON, keeps as it is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from studies.errors import Problem
from studies.protocol.reading.problems import found, path_of
from studies.questions.fields import Place

MAX_DEPTH: Final = 20
LARGEST_NUMBER: Final = 2**53 - 1
"""RFC 8259, section 6: beyond it readers of JSON need not agree, and databases write 1e22 as an integer."""
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def check_plain(value: Any, place: Place = ()) -> Iterator[Problem]:
    """What is no plain data: other types, keys that are no text, numbers too large, characters that are none."""
    if len(place) > MAX_DEPTH:
        yield Problem(path_of(place), f"lies {len(place)} levels deep; expected at most {MAX_DEPTH}")
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if isinstance(key, str):
                yield from _check_text(key, (*place, _printable(key)))
                yield from check_plain(part, (*place, _printable(key)))
            else:
                name = _printable(str(key))[:40]
                yield Problem(path_of((*place, name)), f"the key is {found(key)}; expected text, so put it in quotes")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from check_plain(part, (*place, index))
    elif isinstance(value, str):
        yield from _check_text(value, place)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        if isinstance(value, float) and not math.isfinite(value):
            yield Problem(path_of(place), f"is {value}; expected a finite number")
        elif abs(value) > LARGEST_NUMBER:
            yield Problem(path_of(place), f"is {found(value)}; expected a number up to {LARGEST_NUMBER:,}")
    else:
        yield Problem(path_of(place), f"is a {type(value).__name__}; expected text, a number, true, false or a list")


def _check_text(text: str, place: Place) -> Iterator[Problem]:
    odd = _NOT_TEXT.search(text)
    if odd is not None:
        yield Problem(path_of(place), f"has a character that cannot be shown (U+{ord(odd[0]):04X}); leave it out")


def _printable(text: str) -> str:
    return _NOT_TEXT.sub("\ufffd", text)
