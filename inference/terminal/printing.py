"""What servers and files say, made fit for a console: nothing that a terminal would obey, or that it cannot show."""

from __future__ import annotations

import re
from typing import Final, TextIO
from unicodedata import category

ESCAPES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor, screen
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # titles, links, clipboard
    r"|\x1b[ -/]*[0-~]?"
)
"""ECMA-48, in 7 and 8 bits."""
JOINERS: Final = frozenset("\u200c\u200d")  # part of how words and emoji are written


def printable(text: str) -> str:
    """In one line, without escape sequences, control characters, and what turns the direction of writing."""
    shown = (" " if sign.isspace() else sign for sign in ESCAPES.sub("", text))
    return "".join(sign for sign in shown if sign in JOINERS or category(sign) not in {"Cc", "Cf", "Cs"})


def write(stream: TextIO, text: str) -> None:
    """Prints what the console can show, with question marks for the rest."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
