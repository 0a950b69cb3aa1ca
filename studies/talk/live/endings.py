"""The reasons why a take ends, the outcome of each, and what the participant is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from studies.errors import TakeRefused
from studies.models import Take

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

CLOSE_NORMAL: Final = 1000
CLOSE_MALFORMED: Final = 4400
CLOSE_TICKET: Final = 4401
CLOSE_REFUSED: Final = 4403
CLOSE_UNKNOWN: Final = 4404
CLOSE_TOO_SLOW: Final = 4408
CLOSE_ANOTHER_TAB: Final = 4409
CLOSE_OVER: Final = 4410
CLOSE_UNAVAILABLE: Final = 4503

CLOSE_CODES: Final[Mapping[str, int]] = {
    "bad_ticket": CLOSE_TICKET,
    "ticket_expired": CLOSE_TICKET,
    "ticket_replayed": CLOSE_TICKET,
    "foreign_take": CLOSE_REFUSED,
    "no_consent": CLOSE_REFUSED,
    "voice_unavailable": CLOSE_REFUSED,
    "unknown_take": CLOSE_UNKNOWN,
    "take_over": CLOSE_OVER,
    "nothing_said": CLOSE_OVER,
    "session_over": CLOSE_OVER,
    "study_closed": CLOSE_OVER,
    "study_paused": CLOSE_OVER,
    "another_tab": CLOSE_OVER,
}
"""The close code for each refusal. All others use CLOSE_UNAVAILABLE, after which trying again may help."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a take ends. `outcome` applies once the engine has begun to hear; a take that ends earlier is abandoned."""

    outcome: str
    message: StrOrPromise


ENDINGS: Final[Mapping[str, Ending]] = {
    "participant": Ending(Take.Outcome.COMPLETED, _("You ended the conversation.")),
    "limit": Ending(Take.Outcome.COMPLETED, _("The time for this conversation is up.")),
    "microphone_lost": Ending(
        Take.Outcome.INTERRUPTED,
        _(
            "The microphone was lost, so the conversation was stopped. "
            "What has been said so far is saved, and you can have this conversation again."
        ),
    ),
    "engine_lost": Ending(
        Take.Outcome.INTERRUPTED,
        _(
            "The machine stopped unexpectedly. What has been said so far is saved, and you can continue in a new "
            "conversation."
        ),
    ),
    "refused": Ending(
        Take.Outcome.INTERRUPTED, _("The conversation could not be started. Please try again in a moment.")
    ),
    "abandoned": Ending(
        Take.Outcome.ABANDONED,
        _(
            "The connection was lost for too long. What has been said so far is saved, and you can start this "
            "conversation again."
        ),
    ),
    "disk_full": Ending(
        Take.Outcome.INTERRUPTED,
        _("There is no space left for recordings, so the conversation was stopped. Please tell the research team."),
    ),
    "recording_failed": Ending(
        Take.Outcome.INTERRUPTED,
        _(
            "The conversation could no longer be recorded, so it was stopped. What has been said so far is saved, "
            "and you can start this conversation again."
        ),
    ),
    "recording_lost": Ending(
        Take.Outcome.INTERRUPTED,
        _(
            "What was said in this conversation was lost because of an error on our side. You can have the "
            "conversation again."
        ),
    ),
    "voice_withdrawn": Ending(
        Take.Outcome.INTERRUPTED,
        _(
            "This conversation needs something that is no longer available, so it was stopped. Please tell the "
            "research team."
        ),
    ),
    "withdrawn": Ending(Take.Outcome.INTERRUPTED, _("You have withdrawn, so the conversation was stopped.")),
    "study_closed": Ending(
        Take.Outcome.INTERRUPTED,
        _("The study has ended, so the conversation was stopped. Thank you for taking part."),
    ),
    "another_tab": Ending(
        Take.Outcome.ABANDONED,
        _(
            "This session was opened in another window, so the conversation here was stopped. What has been said so "
            "far is saved."
        ),
    ),
    "session_over": Ending(Take.Outcome.INTERRUPTED, _("This session has ended.")),
    "answered": Ending(Take.Outcome.COMPLETED, _("The machine has answered.")),
    "no_answer": Ending(Take.Outcome.COMPLETED, _("The machine did not answer.")),
    "erased": Ending(Take.Outcome.INTERRUPTED, _("You have erased this conversation.")),
}
_OF_REFUSALS: Final[Mapping[str, str]] = {
    "unsuitable_worker": "refused",
    "study_closed": "study_closed",
    "session_over": "session_over",
    "voice_unavailable": "voice_withdrawn",
    "take_over": "abandoned",
}


def ending_of(refusal: TakeRefused) -> str:
    """Returns the ending of a talk that may not go on."""
    return _OF_REFUSALS.get(refusal.code, "withdrawn")


AT_ONCE: Final = frozenset({"withdrawn", "voice_withdrawn", "erased", "study_closed", "session_over", "another_tab"})
"""Endings that somebody asked for: the socket closes before anything else happens."""
RECORDING_ENDINGS: Final[Mapping[str, str]] = {"disk_full": "disk_full", "erased": "withdrawn"}
"""RecordingError.reason -> the take's ending; for all other reasons it is "recording_failed"."""
ANOTHER_TAB: Final = _("The conversation continues in another window.")
UNEXPECTED: Final = _("The page sent something unexpected: %(problem)s.")


def ending_by_page(reason: object) -> str:
    """Returns the ending of a talk that the page ends, for the `reason` in its event; without one it is the
    participant."""
    return "microphone_lost" if reason == "microphone_lost" else "participant"
