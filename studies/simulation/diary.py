"""What a bot did, in its own words, which the export is held against; and whether its visit has to end before its end,
worked out from that and from the protocol alone, not from what the site makes of it, or a mistake there would not be
seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from studies.protocol.schema import Protocol
from studies.questions.conditions import is_true
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

    def known(self, position: int | None = None, pair: int | None = None) -> dict[str, Any]:
        """The answers by item to what was asked once, and to what was asked of this trial or of this pair."""
        return answered_only(
            {
                asked.item: value
                for asked, value in self.answers.items()
                if asked.position in (None, position) and asked.pair in (None, pair)
            }
        )


def answered_only(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {item: value for item, value in answers.items() if value is not None}


def reasons_to_leave(protocol: Protocol, diary: Diary) -> list[str]:
    """Why, each as `ended_because` in the export would say it; empty for somebody who comes to the end."""
    if not diary.consents:  # decided before anything is agreed to
        known = diary.known()
        return [f"screen_out[{index}]" for index, rule in enumerate(protocol.screen_out) if is_true(rule.when, known)]
    asked = protocol.device_check.headphones
    if asked is not None and asked.required and diary.headphones and max(diary.headphones) < asked.pass_at:
        return ["device"]
    attention = protocol.attention
    failed = attention_failed(protocol, diary)
    return ["attention"] if attention.then == "screen_out" and failed > attention.max_failed else []


def attention_failed(protocol: Protocol, diary: Diary) -> int:
    """How many attention checks were answered wrongly."""
    items = protocol.items()
    return sum(items[asked.item].fails(value) for asked, value in diary.answers.items())
