"""A fake engine: it repeats what it hears one frame later and detects turns by loudness alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np

from inference.contract.audio import FRAME_MS, FRAME_SAMPLES, Float32
from inference.contract.catalog import no_options
from inference.contract.errors import OptionError, SlotNotMovable
from inference.contract.wire import Metadata
from inference.engines.base import Engine, SlotConfig, StepOutput

LOUD: Final = 0.01  # root mean square, full scale is 1
QUIET_STEPS: Final = 5  # a turn ends after 400 ms
DEFAULT_WORDS: Final = "echo"
VERSION: Final = "1"
FINGERPRINT: Final = hashlib.sha256(f"echo {VERSION} {LOUD} {QUIET_STEPS}".encode()).hexdigest()
STATE: Final = ("words", "step", "turn", "begun", "last_loud")


@dataclass(slots=True)
class _Row:
    """One conversation. `last_loud` is the last step that heard a sound, `begun` the one in which the turn began."""

    words: str
    said: Float32 = field(default_factory=lambda: np.zeros(FRAME_SAMPLES, np.float32))
    step: int = 0
    turn: int = 0
    begun: int | None = None
    last_loud: int = 0


class EchoEngine(Engine):
    """A deterministic engine. `text_prompt` gives the words that it reports having said; nothing else conditions it."""

    movable: ClassVar[bool] = True

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        self._rows: dict[int, _Row] = {}

    def warm_up(self) -> None:
        return None

    def check(self, config: SlotConfig) -> None:
        if config.voice_prompt:
            raise OptionError("voice_prompt", config.voice_prompt, "none: the echo has the voice it hears")
        no_options(config.options)

    def open(self, slot: int, config: SlotConfig) -> None:
        self.check(config)
        self._rows[slot] = _Row(words=config.text_prompt or DEFAULT_WORDS)

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        return {slot: _echo(self._rows[slot], frame) for slot, frame in frames.items()}

    def close(self, slot: int) -> None:
        self._rows.pop(slot, None)

    def export_slot(self, slot: int) -> bytes:
        """Returns the length of the JSON (uint32, little-endian), the JSON, and float32 [FRAME_SAMPLES]."""
        row = self._rows[slot]
        fields = {name: getattr(row, name) for name in STATE}
        text = json.dumps({"fingerprint": FINGERPRINT, **fields}).encode()
        return len(text).to_bytes(4, "little") + text + row.said.astype("<f4").tobytes()

    def import_slot(self, slot: int, config: SlotConfig, state: bytes) -> None:
        length = int.from_bytes(state[:4], "little")
        try:
            fields = json.loads(state[4 : 4 + length])
            said = np.frombuffer(state[4 + length :], "<f4").astype(np.float32)
            row = _Row(said=said, **{name: fields[name] for name in STATE})
            fingerprint = fields["fingerprint"]
        except (ValueError, KeyError, TypeError):
            raise SlotNotMovable("the state is damaged") from None
        if fingerprint != FINGERPRINT or said.shape != (FRAME_SAMPLES,):
            raise SlotNotMovable("the state is not an echo's, or damaged")
        self._rows[slot] = row

    def snapshot(self) -> dict[str, Any]:
        return {
            "name": "echo",
            "version": VERSION,
            "fingerprint": FINGERPRINT,
            "delay_ms": FRAME_MS,
            "loud": LOUD,
            "turn_end_ms": QUIET_STEPS * FRAME_MS,
        }


def _echo(row: _Row, frame: Float32) -> StepOutput:
    said, row.said = row.said, frame.copy()
    events: list[Metadata] = []
    if float(np.sqrt(np.mean(frame * frame))) > LOUD:
        if row.begun is None:
            row.begun = row.step
            row.turn += 1
            events.append(_turn("listening", row))
        row.last_loud = row.step
    if row.begun is not None and row.step == row.begun + 1:
        events.append(_turn("speaking", row))
    if row.begun is not None and row.step == row.last_loud + QUIET_STEPS:
        events += _what_was_said(row, row.begun)
        row.begun = None
    row.step += 1
    return StepOutput(said, events)


def _turn(state: str, row: _Row) -> Metadata:
    return Metadata("turn", {"state": state, "turn": row.turn})


def _what_was_said(row: _Row, begun: int) -> list[Metadata]:
    """Returns the turn's words, spread evenly over the time in which they sounded: one frame after they were heard."""
    words = row.words.split()
    start_ms = (begun + 1) * FRAME_MS
    end_ms = (row.last_loud + 2) * FRAME_MS
    word_ms = (end_ms - start_ms) / max(len(words), 1)
    heard = Metadata("transcript", {"role": "participant", "text": row.words, "raw_text": row.words, "turn": row.turn})
    spoken = [
        Metadata(
            "words",
            {
                "text": word,
                "start_ms": start_ms + place * word_ms,
                "end_ms": start_ms + (place + 1) * word_ms,
                "turn": row.turn,
            },
        )
        for place, word in enumerate(words)
    ]
    agent = Metadata("transcript", {"role": "agent", "text": row.words, "raw_text": row.words, "turn": row.turn})
    return [heard, *spoken, agent]
