"""Whether a visit has to end before its end. Worked out from what a bot did and from the protocol alone, not from what
the site makes of it, or a mistake there would not be seen."""

from __future__ import annotations

from studies.protocol.schema import Protocol
from studies.questions.conditions import is_true
from studies.simulation.diary import Diary


def reasons_to_leave(protocol: Protocol, diary: Diary) -> list[str]:
    """Why, each as `ended_because` in the export would say it; empty for somebody who comes to the end."""
    if not diary.consents:  # decided before anything is agreed to
        known = diary.once()
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
