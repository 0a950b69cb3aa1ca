"""Errors of the web side. Each says, in plain words, what was wrong and what to do.

StudyError
├── FrozenError            a published protocol or a stored plan would change
├── ProtocolError          a protocol document that does not validate; `problems` lists all of them
├── DraftRefused           a text that cannot be kept as a draft, for the researcher
├── TakeRefused            a conversation that may not start; `code` is stable, the text is for the participant
├── AnswerRefused          an answer that is not kept; `code` is stable, the text is for the participant
├── QuotaFull              enough people of this kind have taken part; `quota` is its key in the protocol
├── AudioRefused           an upload that is no recording to work with; `code` is stable, the text says what to do
├── VoiceRefused           what may not be done with a target voice; the text is for the researcher
├── ArrivalRefused         a link that does not say who comes by it; the text is for the participant
├── RecordingError         a recording that cannot be written or read
├── RangeError             a part of a file that lies outside it
├── Moving                 an inference worker stops and hands its conversations over
├── SealBroken             a sealed text that was damaged, is too old, or is not ours
├── BadReport              a device check's report that cannot be read; the text says what was wrong
├── Unmeasurable           a recording that has no such value; the text is the reason that is stored
└── SimulationError        a bot that cannot go on; the text says what stopped it

SlotLost                   of `inference.contract.errors`
└── SlotBroken             the connection to an inference worker broke; the slot may be there still

TokenError                 of `inference.contract.errors`
└── ReportRefused          a report of an inference worker that is signed and says what cannot be
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.contract.errors import SlotLost, TokenError

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class StudyError(Exception):
    """Base of all errors of this app."""


class FrozenError(StudyError):
    """`what` is published or planned, and does not change."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is frozen; make a new version instead")
        self.what = what


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a document: where, what was found, what was expected. `line` and `column` count from 1; None
    where the document is no text."""

    path: str
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return f"{self.path or '(document)'}: {self.message}"


class ProtocolError(StudyError):
    """A protocol document with `problems`, all of them at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class DraftRefused(StudyError):
    """A text that cannot be kept as a draft; the message is for the researcher."""


class TakeRefused(StudyError):
    """A talk that may not start or go on. `code` goes over the wire with the text, in the language of who is told."""

    def __init__(self, code: str, message: StrOrPromise) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AnswerRefused(StudyError):
    """An answer that is not kept. `code` is stable; the text is for the participant, translated when it is told."""

    def __init__(self, code: str, message: StrOrPromise) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class QuotaFull(StudyError):
    """Enough people take part in whom the `quota` (its key in the protocol) is true."""

    def __init__(self, quota: str) -> None:
        super().__init__(f"the quota {quota} is full")
        self.quota = quota


class AudioRefused(StudyError):
    """An uploaded recording that is not taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class VoiceRefused(StudyError):
    """Something that may not be done with a target voice, or without its speaker's consent."""


class ArrivalRefused(StudyError):
    """A recruitment service's link without what names the person. `is_preview`: of a task that was not accepted yet."""

    def __init__(self, message: StrOrPromise, *, is_preview: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_preview = is_preview


class RecordingError(StudyError):
    """A journal or a track that cannot be written or read; `reason` names no person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RangeError(StudyError):
    """A range of bytes that lies outside the file."""


class Moving(StudyError):
    """The inference worker stops, and keeps the conversation for another one that fetches it."""


class SlotBroken(SlotLost):
    """The connection to the inference worker broke; the slot may be there still."""


class SealBroken(StudyError):
    """A sealed text that was not made by this server, is damaged or, where `expired`, too old."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("expired" if expired else "not ours")
        self.expired = expired


class BadReport(StudyError):
    """A report of the device check that cannot be read; the text says what was found and what was expected."""


class Unmeasurable(StudyError):
    """Raised for a value that cannot be measured from a recording; `reason` is for the researcher."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SimulationError(StudyError):
    """A simulation did not come to its end; the text says what happened, and to which bot where one is concerned."""


class ReportRefused(TokenError):
    """`field` of a worker's report is not as it must be; `why` says how."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__("invalid")
        self.field, self.why = field, why

    def __str__(self) -> str:
        return f"The report is not taken: {self.field}: {self.why}."
