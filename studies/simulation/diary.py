"""What a bot did, in its own words: what the export is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from studies.simulation.talking import Talked


@dataclass(frozen=True, slots=True)
class Asked:
    """One item where it was asked: of a trial, of a pair, or once."""

    item: str
    position: int | None = None
    pair: int | None = None


@dataclass(slots=True)
class Diary:
    """`answers` hold what counts at the end: None for items that were shown and left out, nothing for what was hidden.
    `talks` are by the trial's position, and so are `chosen`, prompt and condition of an explore study. `device` is
    what was reported of the microphone, `headphones` how many sounds were found in each attempt at the screening.
    `listened_sec` is by pair and side, `shown` the sides of a pair in reading order. `pages` are the addresses in the
    order of the visit."""

    bot: int
    token: str
    language: str = ""
    consents: dict[str, bool] = field(default_factory=dict)
    device: dict[str, Any] = field(default_factory=dict)
    headphones: list[int] = field(default_factory=list)
    answers: dict[Asked, Any] = field(default_factory=dict)
    talks: dict[int, Talked] = field(default_factory=dict)
    chosen: dict[int, tuple[str, str]] = field(default_factory=dict)
    listened_sec: dict[tuple[int, str], float] = field(default_factory=dict)
    shown: dict[int, str] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)
    completion_code: str = ""
    ended: Literal["", "finished", "screened"] = ""

    def once(self) -> dict[str, Any]:
        """The answers to what was asked once, by item."""
        return {
            asked.item: value
            for asked, value in self.answers.items()
            if asked.position is None and asked.pair is None and value is not None
        }
