"""Cuts the language model's stream into pieces to be spoken: the first one early, the others at sentence ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FIRST_CLAUSE_WORDS: Final = 3  # the first piece may end at a comma after this many words ...
FIRST_CLAUSE_LONGEST_WORDS: Final = 8  # ... and must end after this many
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|approx|No|e\.g|i\.e|U\.S|a\.m|p\.m)|\b[A-Z]|\b\d{1,2})\.$"
)
_SENTENCE_END: Final = re.compile(r"[.!?…]+[\"'”’)]*(?=\s)|\n+")
_CLAUSE_END: Final = re.compile(r"[,;:—](?=\s)")
_UNSPEAKABLE: Final = re.compile(r"[*_#`~|<>{}\[\]\\^]|[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F\u200D]")
_BULLET: Final = re.compile(r"^\s*(?:[-•]|\d{1,2}[.)])\s+")
_GAP: Final = r"[\s,.!?…\-–—]*"
_NUMBER: Final = r"(?:\d+|zero|one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand)"
_ANSWER: Final = r"(?:u[hm]+-hu[hm]+|m+-?h+m+|uh-uh|mhm+)"  # affirmation or negation
# spans that a recogniser or a transcriber marks as not being words
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


class ClauseCutter:
    """Takes the stream and returns its complete pieces. `sentences` counts those returned so far."""

    def __init__(self, max_sentences: int) -> None:
        self.sentences = 0
        self._max_sentences = max_sentences
        self._waiting = ""
        self._given = 0

    @property
    def full(self) -> bool:
        """Whether the answer has reached `max_sentences`, so that the rest is not needed."""
        return self.sentences >= self._max_sentences

    def feed(self, text: str) -> list[str]:
        """Takes the next text of the stream and returns the pieces that it completes."""
        self._waiting += text
        pieces = []
        while not self.full and (cut := self._cut()):
            pieces.append(self._waiting[:cut])
            self._waiting = self._waiting[cut:]
            self._given += 1
        return [piece for piece in map(speakable, pieces) if piece]

    def finish(self, *, whole: bool) -> list[str]:
        """Ends the stream and returns its last piece, if any.

        `whole` is False when the stream was cut off at its token limit; an incomplete last sentence is then dropped,
        unless there would be nothing else to say."""
        if self.full:
            return []
        if not whole and self.sentences:
            return []
        if not whole:
            clause = max((match.end() for match in _CLAUSE_END.finditer(self._waiting)), default=0)
            rest = self._waiting[:clause].rstrip(" ,;:—") + "." if clause else self._waiting
        else:
            rest = self._waiting
        self._waiting = ""
        piece = speakable(rest)
        return [piece] if piece else []

    def _cut(self) -> int:
        """Returns where the next piece ends, or 0 if it is not complete yet."""
        for match in _SENTENCE_END.finditer(self._waiting):
            if not _ABBREVIATION.search(self._waiting[: match.end()]):
                if speakable(self._waiting[: match.end()]):
                    self.sentences += 1
                return match.end()
        if self._given:
            return 0
        for match in _CLAUSE_END.finditer(self._waiting):
            if len(self._waiting[: match.end()].split()) >= FIRST_CLAUSE_WORDS:
                return match.end()
        words = list(re.finditer(r"\S+\s", self._waiting))
        return words[FIRST_CLAUSE_LONGEST_WORDS - 1].end() if len(words) >= FIRST_CLAUSE_LONGEST_WORDS else 0


def speakable(text: str) -> str:
    """Removes mark-up, bullets and pictures from a text; the result is empty if no word is left."""
    text = _UNSPEAKABLE.sub("", _BULLET.sub("", text)).strip()
    return re.sub(r"\s+", " ", text) if any(letter.isalnum() for letter in text) else ""


def degenerate(text: str) -> bool:
    """Returns whether the model's text has degenerated: it has no words, repeats one, or contains its markers."""
    words = [word.strip(".,!?;:'\"").lower() for word in text.split()]
    if not any(letter.isalpha() for letter in text) or "im_start" in text or "im_end" in text:
        return True
    return any(len(set(words[start : start + 4])) == 1 for start in range(len(words) - 3))


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """`text` without what was `removed`, which is given in order and as it was spelt."""

    text: str
    removed: tuple[str, ...]


def scrub(raw: str) -> Scrubbed:
    """Removes laughter, fillers and interjections from recognised text; other text is returned unchanged.

    A recogniser does not ignore them: real laughs come out as "Ha ha ha", [laughter] or worse. Where the engine is a
    control that must not know of them, the language model gets the scrubbed text; both texts are recorded, and what was
    removed measures the leak. "Uh-huh" and "mm-hmm" stay because they answer questions. Laughter recognised as an
    ordinary word cannot be told apart in the text."""
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
