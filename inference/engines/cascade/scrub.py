"""Takes laughter, sighs and interjections out of a transcript.

A recogniser is not deaf to them: real laughs come out as "Ha ha ha", [laughter] or worse. Where the engine serves as a
control that must not know of them, the language model gets the scrubbed text; both texts are recorded, and what was
removed is the leak. "Uh-huh" and "mm-hmm" stay: they answer questions. What laughter became in the guise of an ordinary
word cannot be told from the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_GAP: Final = r"[\s,.!?…\-–—]*"
_NUMBER: Final = r"(?:\d+|zero|one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand)"
_ANSWER: Final = r"(?:u[hm]+-hu[hm]+|m+-?h+m+|uh-uh|mhm+)"  # yes and no

# spans that a recogniser or a person sets apart as no words
_MARKED: Final = r"\[[^\]\n]{0,40}\]|\([^)\n]{0,40}\)|\*[^*\n]{1,40}\*|<[^>\n]{1,40}>|♪[^♪\n]{0,200}♪?"
# "ha ha", "ho ho ho"; single "ha"; glued "hahaha", "hehe", "bwahaha"; "he he he" (two could be a stutter)
_LAUGH: Final = (
    rf"\b(?:b?w?[mb]?u?w?a?ha|hah|heh|ho)(?:{_GAP}(?:ha|hah|heh|he|ho)\b)+h?"
    r"|\b[bm]?w?[ua]?h?a*(?:h[aeo]+){2,}h?\b"
    r"|\bhi(?:hi)+\b|\bhee(?:\s*hee)+\b"
    rf"|\b(?:he{_GAP}){{2,}}he\b"
    r"|\b(?:ha|hah|heh|lol|l\.o\.l\.)\b"
)
_FILLER: Final = r"\b(?:u+h+|u+h*m+|h+m+|e+r+m+|m{2,}|eh+|huh|hm)\b|\b(?-i:[Ee]r)\b(?=[,.…\-–—])"
_INTERJECTION: Final = r"\b(?:o+h+|a+h+|aw+|o{2,}h*|u+gh+|ph?e+w|whew|a+rgh+|ee+k|te-?hee)\b"

_REMOVED: Final = re.compile(
    rf"(?P<keep>\b{_ANSWER}\b|{_NUMBER}\s*(?:mm|oh)\b|\boh\s+{_NUMBER}\b|\bho chi\b)"
    rf"|(?:{_MARKED}|{_LAUGH}|{_FILLER}|{_INTERJECTION})(?P<comma>\s*[,…–—-]+(?=\s|$))?",
    re.IGNORECASE,
)
_LOOSE_START: Final = re.compile(r"^[\s,;:.!?…\-–—]+")
_LOOSE_AFTER_COMMA: Final = re.compile(r"[,;:\-–—…]\s*(?=[,;:.!?])")
_SECOND_STOP: Final = re.compile(r"(?<=[.!?])(?:\s+[.!?…,])+")
_SPACE_BEFORE_MARK: Final = re.compile(r"\s+(?=[,;:.!?…])")
_SPACES: Final = re.compile(r"\s{2,}")


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """`text` without what was `removed`, which is given in order and as it was spelt."""

    text: str
    removed: tuple[str, ...]


def scrub(raw: str) -> Scrubbed:
    """Text as recognised -> text with the words alone. An untouched text comes back as it is."""
    removed: list[str] = []

    def drop(match: re.Match[str]) -> str:
        if match["keep"]:
            return match[0]
        removed.append(match[0].rstrip(" ,…–—-").strip())
        return " "

    text = _REMOVED.sub(drop, raw)
    if not removed:
        return Scrubbed(raw, ())
    text = _SECOND_STOP.sub("", _SPACES.sub(" ", text))
    text = _LOOSE_AFTER_COMMA.sub("", _SPACE_BEFORE_MARK.sub("", text))
    text = _LOOSE_START.sub("", text).strip()
    if not any(letter.isalnum() for letter in text):
        text = ""
    if raw[:1].isupper():
        text = text[:1].upper() + text[1:]
    return Scrubbed(text, tuple(removed))
