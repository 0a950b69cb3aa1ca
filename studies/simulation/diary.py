"""What a bot did, in its own words: what the export is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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
    `talks` are by the trial's position, `pages` are the addresses in the order of the visit."""

    bot: int
    token: str
    consents: dict[str, bool] = field(default_factory=dict)
    answers: dict[Asked, Any] = field(default_factory=dict)
    talks: dict[int, Talked] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)
    completion_code: str = ""
    ended: str = ""
