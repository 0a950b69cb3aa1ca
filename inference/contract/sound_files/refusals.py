"""Why a sound file is not read."""

from __future__ import annotations

from inference.contract.errors import InferenceError


class SoundRefused(InferenceError):
    """Raised for a file that is not read; the message is for the person whose file it is."""

    code = "sound_refused"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def truncated() -> SoundRefused:
    return SoundRefused("truncated", "The file ends too early: it was not copied or saved to its end. Try again.")


def damaged() -> SoundRefused:
    return SoundRefused(
        "damaged", "The file is damaged and cannot be decoded to its end. Save it again from its source."
    )


def chained() -> SoundRefused:
    return SoundRefused(
        "chained", "The file holds several recordings, one after the other. Save one of them, or all as one recording."
    )
