"""Errors of the web side. Each says, in plain words, what was wrong and what to do.

StudyError
├── FrozenError            a published protocol or a stored plan would change
├── ProtocolError          a protocol document that does not validate; `problems` lists all of them
├── TakeRefused            a conversation that may not start; `code` is stable, the text is for the participant
├── AudioRefused           an upload that is no recording to work with; `code` is stable, the text says what to do
├── VoiceRefused           what may not be done with a target voice; the text is for the researcher
└── RecordingError         a recording that cannot be written or read
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class StudyError(Exception):
    """Base of all errors of this app."""


class FrozenError(StudyError):
    """`what` is published or planned, and does not change."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is frozen; make a new version instead")
        self.what = what


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a document: where, what was found, what was expected."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path or '(document)'}: {self.message}"


class ProtocolError(StudyError):
    """A protocol document with `problems`, all of them at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class TakeRefused(StudyError):
    """A talk that may not start or go on. `code` goes over the wire with the text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class AudioRefused(StudyError):
    """An uploaded recording that is not taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class VoiceRefused(StudyError):
    """Something that may not be done with a target voice, or without its speaker's consent."""


class RecordingError(StudyError):
    """A journal or a track that cannot be written or read; `reason` names no person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
