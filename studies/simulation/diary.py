"""A record of what a bot did, with which the export is compared, and the reasons for which its session must end early.

The reasons are computed from this record and the protocol alone. Code of the site is not used for it, because an error
there would go unnoticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from studies.protocol.schema import Protocol
from studies.questions.conditions import is_true
from studies.simulation.talking import Talked


@dataclass(frozen=True, slots=True)
class Asked:
    """One item and where it was asked: about a trial, about a pair, or once in the session."""

    item: str
    position: int | None = None
    pair: int | None = None


@dataclass(slots=True)
class Diary:
    """What one bot did.

    `answers` has the final answers: None for items that were shown and left out, and no entry for hidden ones. `talks`
    are by the trial's position, as is `chosen`, the prompt and condition of a talk in an explore study. `device` is the
    report on the microphone, and `headphones` the number of correct answers in each attempt at the screening.
    `listened_sec` is by pair and side. `shown` has the sides of each pair in reading order. `pages` lists the pages in
    the order in which they were visited."""

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
        """Returns the answers by item to the questions that were asked once, and about this trial or this pair."""
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
    """Returns the reasons for which the session must end early, as `ended_because` in the export names them."""
    if not diary.consents:  # The rules apply before consent.
        known = diary.known()
        return [f"screen_out[{index}]" for index, rule in enumerate(protocol.screen_out) if is_true(rule.when, known)]
    asked = protocol.device_check.headphones
    if asked is not None and asked.required and diary.headphones and max(diary.headphones) < asked.pass_at:
        return ["device"]
    attention = protocol.attention
    failed = attention_failed(protocol, diary)
    return ["attention"] if attention.then == "screen_out" and failed > attention.max_failed else []


def attention_failed(protocol: Protocol, diary: Diary) -> int:
    """Returns how many attention checks were answered wrongly."""
    items = protocol.items()
    return sum(items[asked.item].fails(value) for asked, value in diary.answers.items())
