"""Tracks the participant's speech as the server detects and transcribes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from inference.contract.audio import samples_to_ms
from inference.contract.wire import Metadata
from inference.engines.openai_realtime.fields import readable, text_of
from inference.engines.remote.playout import Playout

MAX_TEXT_CHARACTERS: Final = 4_000


@dataclass(slots=True)
class _Speech:
    turn: int
    start_ms: float
    end_ms: float | None = None


class Participant:
    """One conversation's. `skew` is how many samples the slot's clock is ahead of what the server has heard."""

    def __init__(self, playout: Playout) -> None:
        self.skew = 0
        self._playout = playout
        self._speeches: dict[str, _Speech] = {}  # by item, until they are written down
        self._item = ""  # the last one
        self._pieces: list[str] = []  # of text, from a server that never gives it whole

    def starts(self, event: Mapping[str, Any], turn: int) -> None:
        self._item = text_of(event, "item_id")
        speech = self._speeches[self._item] = _Speech(turn, self._slot_ms(event.get("audio_start_ms")))
        self._tell("turn", state="listening", turn=turn, start_ms=speech.start_ms)

    def stops(self, event: Mapping[str, Any], turn: int) -> None:
        end_ms = self._slot_ms(event.get("audio_end_ms"))
        if speech := self._speeches.get(text_of(event, "item_id") or self._item):
            speech.end_ms = end_ms
        self._tell("turn", state="thinking", turn=turn, end_ms=end_ms)

    def said(self, event: Mapping[str, Any], turn: int) -> None:
        """All of an item's text; `turn` for an item that never began."""
        self._write_down(text_of(event, "item_id"), text_of(event, "transcript"), turn)

    def says(self, event: Mapping[str, Any]) -> None:
        """A piece of text; `answered` puts them together."""
        self._pieces.append(text_of(event, "delta"))

    def answered(self, turn: int) -> None:
        """The server answers what has been said so far."""
        pieces, self._pieces = self._pieces, []
        self._write_down(self._item, " ".join(pieces), turn)

    def _write_down(self, item: str, text: str, turn: int) -> None:
        text = " ".join(readable(text).split())[:MAX_TEXT_CHARACTERS]
        if not text:
            return
        data: dict[str, Any] = {"role": "participant", "text": text, "raw_text": text, "turn": turn}
        if speech := self._speeches.pop(item, None):
            data |= {"turn": speech.turn, "start_ms": speech.start_ms}
            data |= {} if speech.end_ms is None else {"end_ms": speech.end_ms}
        self._tell("transcript", **data)

    def _slot_ms(self, server_ms: Any) -> float:
        """The server's time, which counts what it has heard -> the slot's; now, when it does not say."""
        if isinstance(server_ms, int | float) and not isinstance(server_ms, bool) and abs(server_ms) < 1e9:
            return max(0.0, server_ms + samples_to_ms(self.skew))
        return samples_to_ms(self._playout.now)

    def _tell(self, event: str, **data: Any) -> None:
        self._playout.tell(Metadata(event, data))
