"""Joins pieces of text, at most one per step, to words and utterances with their place in the server's sound.

A piece that begins with a space begins a word; a word's other pieces follow in the next steps. After a pause the agent
is listening, and what it says next is another turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from inference.contract.audio import FRAME_SAMPLES

WORD_PAUSE_SAMPLES: Final = 4 * FRAME_SAMPLES  # a pause this long ends a word
TURN_PAUSE_SAMPLES: Final = 10 * FRAME_SAMPLES
MAX_WORD_BYTES: Final = 200  # longer text without a space cannot be a word
MAX_UTTERANCE_BYTES: Final = 4_000  # speech without pauses is split into turns of about this length
_PARTS: Final = re.compile(rb"\s*[^\s]+|\s+")
_BYTE: Final = re.compile(r"<0x([0-9A-F]{2})>")  # how a tokenizer spells a byte that is not a whole character


@dataclass(frozen=True, slots=True)
class Word:
    """A word from `start` to `end`, in samples of the server's sound. `opens` says that its turn begins with it."""

    text: str
    start: int
    end: int
    turn: int
    opens: bool


@dataclass(frozen=True, slots=True)
class Utterance:
    """All that the agent said in a turn, from `start` to `end` in samples of the server's sound."""

    text: str
    raw_text: str
    start: int
    end: int
    turn: int


class Words:
    """The words of one conversation; they are complete and in order."""

    def __init__(self) -> None:
        self._turn = 0
        self._word = b""
        self._word_start = 0
        self._last = 0  # where the last piece's frame begins
        self._said = b""  # in this turn, including every complete word
        self._said_start = 0

    def feed(self, piece: str, offset: int) -> Iterator[Word | Utterance]:
        """Takes a piece whose frame begins at `offset` and yields the words and utterances that it completes."""
        yield from self.pass_to(offset)
        byte = _BYTE.fullmatch(piece.strip())
        for part in _PARTS.findall(bytes([int(byte[1], 16)]) if byte else piece.encode()):
            if part[:1].isspace() or len(self._word) > MAX_WORD_BYTES:
                yield from self._end_word()
                if len(self._said) > MAX_UTTERANCE_BYTES:
                    yield from self._end_turn()
            if not self._word.strip():
                self._word_start = offset
            self._word += part
            self._last = offset

    def pass_to(self, offset: int) -> Iterator[Word | Utterance]:
        """Notes that the sound has reached `offset` and yields the word and the utterance that a pause completes."""
        if offset - self._last >= WORD_PAUSE_SAMPLES:
            yield from self._end_word()
        if offset - self._last >= TURN_PAUSE_SAMPLES:
            yield from self._end_turn()

    def _end_word(self) -> Iterator[Word]:
        word, self._word = self._word, b""
        if not (text := _readable(word).strip()):
            return
        opens = not self._said
        if opens:
            self._turn += 1
            self._said_start = self._word_start
        self._said += word
        yield Word(text, self._word_start, self._last + FRAME_SAMPLES, self._turn, opens)

    def _end_turn(self) -> Iterator[Utterance]:
        said, self._said = self._said, b""
        if said:
            raw = _readable(said)
            yield Utterance(" ".join(raw.split()), raw, self._said_start, self._last + FRAME_SAMPLES, self._turn)


def _readable(said: bytes) -> str:
    """Decodes UTF-8; invalid bytes become replacement characters, and unprintable characters spaces."""
    return "".join(sign if sign.isprintable() else " " for sign in said.decode(errors="replace"))
