"""Makes a target voice of a participant's own voice, only with their consent to exactly that."""

from __future__ import annotations

import io
from typing import Final

import soundfile

from inference.contract.audio import SAMPLE_RATE_HZ
from studies.errors import RecordingError, VoiceRefused
from studies.models import ConsentEvent, Session, Track
from studies.talk.integrity import check_file
from studies.voices.decoding import Reference, decode_upload, encode

MAX_DONATED_SEC: Final = 120


def donation_obstacle(session: Session) -> str:
    """Why no target voice may be made of this participant's recordings; empty if they agreed to it."""
    if session.state == Session.State.WITHDRAWN:
        return "The participant has withdrawn."
    if session.consent(ConsentEvent.Purpose.VOICE_DONATION) is not None:
        return ""
    asked = session.consents.filter(purpose=ConsentEvent.Purpose.VOICE_DONATION).exists()
    if asked:
        return "The participant did not agree to other people speaking in their voice (consent purpose voice_donation)."
    return "The study did not ask whether others may speak in the participant’s voice (consent purpose voice_donation)."


def donation_of(session: Session) -> ConsentEvent:
    """Returns the consent that allows it. Raises VoiceRefused."""
    obstacle = donation_obstacle(session)
    consent = session.consent(ConsentEvent.Purpose.VOICE_DONATION)
    if obstacle or consent is None:
        raise VoiceRefused(obstacle)
    return consent


def reference_of(track: Track, start_sec: float, end_sec: float) -> Reference:
    """Returns a part of the participant's own track, judged as an upload is. Raises VoiceRefused, AudioRefused."""
    donation_of(track.take.trial.session)
    if track.kind != Track.Kind.PARTICIPANT:
        raise VoiceRefused("Only the participant's own track can become a voice; the others hold converted voices.")
    if not 0 <= start_sec < end_sec:
        raise VoiceRefused("The part must end after it starts.")
    if end_sec - start_sec > MAX_DONATED_SEC:
        raise VoiceRefused(f"Choose at most {MAX_DONATED_SEC} seconds; 10 to 30 are best.")
    if start_sec * SAMPLE_RATE_HZ >= track.duration_samples:
        raise VoiceRefused(f"The recording is only {track.duration_ms / 1_000:.1f} s long.")
    try:
        check_file(str(track.file.name), track.sha256)
        with track.file.open("rb") as file:
            data = io.BytesIO(file.read())
    except FileNotFoundError:
        raise VoiceRefused("The recording no longer exists.") from None
    except RecordingError:
        raise VoiceRefused("The recording is damaged: its file no longer matches the hash it was filed with.") from None
    first, last = round(start_sec * SAMPLE_RATE_HZ), round(end_sec * SAMPLE_RATE_HZ)
    samples, _ = soundfile.read(data, start=first, stop=min(last, track.duration_samples), dtype="int16")
    return decode_upload([encode(samples, {}, {}).flac])
