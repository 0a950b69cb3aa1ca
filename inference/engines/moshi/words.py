"""Turns the inner monologue, one text token per step, into words with their times, turns and transcripts. Pure.

A model of this kind writes down what it says while it says it: a token or a pause for every 80 ms. A word begins with a
piece that carries a space ("▁" in the tokenizer's spelling), exactly at the step in which it begins to sound. Its other
pieces follow immediately, and then pauses until the next word. The start of a word is therefore exact. Its end is not
written down: it is taken to be where the next word begins, or a few steps later.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from unicodedata import category

from inference.contract.audio import FRAME_MS
from inference.contract.wire import Metadata

WORD_PAUSE_STEPS: Final = 3  # After this many pauses a word is complete.
STRETCH_PAUSE_STEPS: Final = 10  # After this many pauses the agent is listening.
MAX_WORD_BYTES: Final = 200  # Anything longer is not a word.
MAX_STRETCH_BYTES: Final = 2_000  # Speech without a pause is split here, because an event holds no more.
_CLOSING: Final = re.compile(rb"(?:[.!?,;:]|\xe2\x80\xa6)['\")\]]*$")


class Tokenizer(Protocol):
    """The methods of a sentencepiece processor that are used."""

    def vocab_size(self) -> int: ...
    def id_to_piece(self, id: int) -> str: ...
    def is_control(self, id: int) -> bool: ...
    def is_unknown(self, id: int) -> bool: ...
    def is_unused(self, id: int) -> bool: ...
    def is_byte(self, id: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The texts of the tokens.

    `pieces` maps a token to the bytes of its text, with spaces; they are empty for a token without text. `end_of_pause`
    is the token that announces a word."""

    pieces: tuple[bytes, ...]
    end_of_pause: int

    @classmethod
    def of(cls, tokenizer: Tokenizer, *, pause: int, end_of_pause: int) -> Vocabulary:
        silent = {pause, end_of_pause}
        pieces = tuple(_piece(tokenizer, token, silent) for token in range(tokenizer.vocab_size()))
        return cls(pieces, end_of_pause)


def _piece(tokenizer: Tokenizer, token: int, silent: Collection[int]) -> bytes:
    says_nothing = tokenizer.is_control(token) or tokenizer.is_unknown(token) or tokenizer.is_unused(token)
    if token in silent or says_nothing:
        return b""
    piece = tokenizer.id_to_piece(token)
    if tokenizer.is_byte(token):  # such as "<0x0A>", a byte of a character that has no piece of its own
        return bytes([int(piece[3:5], 16)])
    return piece.replace("▁", " ").encode()


class Monologue:
    """The monologue of one conversation. Times count from its first step."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._step = 0
        self._turn = 0
        self._speaking = False
        self._quiet_steps = 0
        self._word = b""
        self._word_start = 0
        self._said = b""  # the text of this turn, as it was written
        self._said_start = 0
        self._said_end = 0

    def step(self, token: int | None) -> list[Metadata]:
        """Takes a step's token, None before the first; returns what it yields, in order: words, turn, transcript."""
        events: list[Metadata] = []
        pieces = self._vocabulary.pieces
        piece = pieces[token] if token is not None and 0 <= token < len(pieces) else b""
        if piece:
            self._hear(piece, events)
        else:
            self._quiet_steps += 1
            waited = 1 if token == self._vocabulary.end_of_pause or _CLOSING.search(self._word) else WORD_PAUSE_STEPS
            if self._quiet_steps >= waited:
                self._end_word(self._step + 1, events)
            if self._quiet_steps >= STRETCH_PAUSE_STEPS:
                self._end_turn(events)
                if self._speaking:
                    self._speaking = False
                    events.append(self._turn_event("listening"))
        self._step += 1
        return events

    def state(self) -> dict[str, Any]:
        """Returns the state as values that JSON can represent."""
        return {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in vars(self).items()
            if name != "_vocabulary"
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from a state. Raises ValueError for what `state` did not return; then nothing has changed."""
        mine = self.state()
        if set(state) != set(mine) or any(type(state[name]) is not type(mine[name]) for name in mine):
            raise ValueError("the monologue has other parts")
        read = {name: bytes.fromhex(value) if isinstance(value, str) else value for name, value in state.items()}
        vars(self).update(read)

    def _hear(self, piece: bytes, events: list[Metadata]) -> None:
        self._quiet_steps = 0
        if piece.startswith(b" ") or len(self._word) > MAX_WORD_BYTES:
            self._end_word(self._step, events)
            if len(self._said) > MAX_STRETCH_BYTES:
                self._end_turn(events)
        if not self._word:
            self._word_start = self._step
        self._word += piece
        if not self._said:
            self._turn += 1
            self._said_start = self._step
            self._speaking = True
            events.append(self._turn_event("speaking", start_ms=self._step * FRAME_MS))
        self._said += piece

    def _end_word(self, end: int, events: list[Metadata]) -> None:
        """Ends the word. `end` is the first step after it."""
        word, self._word = self._word, b""
        text = _readable(word)
        if not text.strip():
            return
        self._said_end = end
        data = {"text": text.strip(), "raw_text": text, "turn": self._turn}
        events.append(Metadata("words", {"start_ms": self._word_start * FRAME_MS, "end_ms": end * FRAME_MS, **data}))

    def _end_turn(self, events: list[Metadata]) -> None:
        said, self._said = self._said, b""
        text = _readable(said)
        if not text.strip():
            return
        times = {"start_ms": self._said_start * FRAME_MS, "end_ms": self._said_end * FRAME_MS}
        data = {"role": "agent", "text": " ".join(text.split()), "raw_text": text, "turn": self._turn}
        events.append(Metadata("transcript", {**data, **times}))

    def _turn_event(self, state: str, **data: Any) -> Metadata:
        return Metadata("turn", {"state": state, "turn": self._turn, **data})


def _readable(said: bytes) -> str:
    """Decodes text. Invalid bytes become replacement characters; control characters, which no field holds, spaces."""
    return "".join(" " if category(sign) == "Cc" else sign for sign in said.decode(errors="replace"))
