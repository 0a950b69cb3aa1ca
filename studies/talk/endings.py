"""Why a take ends, what that makes of it, and what the participant is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from studies.models import Take

CLOSE_NORMAL: Final = 1000
CLOSE_MALFORMED: Final = 4400
CLOSE_REFUSED: Final = 4403
CLOSE_TOO_SLOW: Final = 4408
CLOSE_ANOTHER_TAB: Final = 4409
CLOSE_OVER: Final = 4410
CLOSE_UNAVAILABLE: Final = 4503

CLOSE_CODES: Final[Mapping[str, int]] = {
    "bad_ticket": 4401,
    "ticket_expired": 4401,
    "ticket_replayed": 4401,
    "foreign_take": CLOSE_REFUSED,
    "no_consent": CLOSE_REFUSED,
    "voice_unavailable": CLOSE_REFUSED,
    "unknown_take": 4404,
    "take_over": CLOSE_OVER,
    "session_over": CLOSE_OVER,
}
"""How a refusal closes the socket; the others with CLOSE_UNAVAILABLE, after which trying again may help."""


@dataclass(frozen=True, slots=True)
class Ending:
    """`outcome` when the engine had begun to hear; before that a take is abandoned, whatever ended it."""

    outcome: str
    message: str


_KEPT = "What was said so far is kept, and you can start this conversation again."

ENDINGS: Final[Mapping[str, Ending]] = {
    "participant": Ending(Take.Outcome.COMPLETED, "You ended the conversation."),
    "limit": Ending(Take.Outcome.COMPLETED, "The time for this conversation is over."),
    "engine_lost": Ending(
        Take.Outcome.INTERRUPTED,
        "The machine stopped unexpectedly. What was said so far is kept, and you can go on in a new one.",
    ),
    "refused": Ending(Take.Outcome.INTERRUPTED, "The conversation could not be opened. Please try again in a moment."),
    "abandoned": Ending(Take.Outcome.ABANDONED, f"The connection was away for too long. {_KEPT}"),
    "disk_full": Ending(
        Take.Outcome.INTERRUPTED,
        "There is no room left for recordings, so the conversation was stopped. "
        "Please tell the people who run this study.",
    ),
    "recording_failed": Ending(
        Take.Outcome.INTERRUPTED, f"The conversation could not be recorded any more, so it was stopped. {_KEPT}"
    ),
    "voice_withdrawn": Ending(
        Take.Outcome.INTERRUPTED,
        "Something this conversation needs is no longer available, so it was stopped. "
        "Please tell the people who run this study.",
    ),
    "withdrawn": Ending(Take.Outcome.INTERRUPTED, "You have withdrawn, so the conversation was stopped."),
}
RECORDING_ENDINGS: Final[Mapping[str, str]] = {"disk_full": "disk_full", "erased": "withdrawn"}
"""RecordingError.reason -> why the take ends; the others are "recording_failed"."""
ANOTHER_TAB: Final = "The conversation goes on in another window."
