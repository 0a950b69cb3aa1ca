"""Judges whether a recording is a good reference for voice conversion. Each check has a value, limits and a verdict.

This module does not import Django. It runs in the decoder's process, on at most two minutes of audio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from inference.contract.audio import Float32
from studies.insights.pitch import Contour, pitch_contour
from studies.insights.speech import Stretch, seconds, speech_stretches
from studies.voices.likeness import Sign, frame_levels_db, signs_of
from studies.voices.speakers import LEAST_PIECES, Speakers, speakers_of

VERSION: Final = "1"

SILENT_DBFS: Final = -55.0
QUIET_DBFS: Final = -40.0
LEAST_SPEECH_SEC: Final = 3.0
GOOD_SPEECH_SEC: Final = 10.0
LEAST_SNR_DB: Final = 10.0
GOOD_SNR_DB: Final = 20.0
LITTLE_CLIPPED: Final = 0.001
MUCH_CLIPPED: Final = 0.01
WIDE_BAND_HZ: Final = 16_000
GATED_DBFS: Final = -80.0  # A pause below this level was cut out and says nothing about the noise.
UNLIKE_SPEECH: Final = 2  # signs

_SPEECH_EXPECTED: Final = f"{LEAST_SPEECH_SEC:g} s or more, best {GOOD_SPEECH_SEC:g} to 30"

Verdict = Literal["ok", "warning", "refused"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `text` is for the researcher; `value` is None if nothing could be measured."""

    check: str
    label: str
    verdict: Verdict
    value: float | None
    unit: str
    expected: str
    text: str


def assess(samples: Float32, clipped_share: float, rate_hz: int) -> dict[str, Any]:
    """Takes float32 [n] at 24 kHz, the share of clipped samples and the original sample rate.

    Returns what is stored: {version, verdict, findings, signs}."""
    levels = frame_levels_db(samples)
    peak_dbfs = float(np.percentile(levels, 99)) if len(levels) else -120.0
    if peak_dbfs < SILENT_DBFS:
        text = "There is nothing to hear. Was the right microphone on?"
        silent = Finding("level", "Level", "refused", round(peak_dbfs, 1), "dBFS", f"above {SILENT_DBFS:g}", text)
        return _result([silent], [])
    stretches = speech_stretches(samples)
    about_the_file = [_level(peak_dbfs), _clipping(clipped_share), _band(rate_hz)]
    if not stretches:
        text = "No speech was found: there is steady noise, or music, or hardly anything."
        none = Finding("speech", "Speech", "refused", 0.0, "s", _SPEECH_EXPECTED, text)
        return _result([none, *about_the_file], [])
    contour = pitch_contour(samples)
    signs = signs_of(samples, contour, stretches)
    about_the_voice = [
        _speech(seconds(stretches)),
        _likeness(signs),
        _one_speaker(samples, contour, stretches),
        _noise(snr_db(samples, stretches)),
    ]
    return _result([*about_the_voice, *about_the_file], signs)


def snr_db(samples: Float32, stretches: Sequence[Stretch]) -> float:
    """Returns the level of the speech over that of the background, which is the quietest tenth without cut-out pauses.

    This is an estimate: it counts reverberation as noise, and it is too low for speech without pauses."""
    levels = frame_levels_db(samples)
    background = levels[levels > GATED_DBFS]
    speech = np.concatenate([samples[stretch.start : stretch.end] for stretch in stretches])
    speech_db = 10 * math.log10(float(np.mean(np.square(speech, dtype=np.float64))) + 1e-12)
    return speech_db - float(np.percentile(background, 10))


def _level(peak_dbfs: float) -> Finding:
    quiet = peak_dbfs < QUIET_DBFS
    text = "It is very quiet: noise rises with it when it is made louder." if quiet else "Loud enough."
    return Finding(
        "level", "Level", "warning" if quiet else "ok", round(peak_dbfs, 1), "dBFS", f"{QUIET_DBFS:g} or more", text
    )


def _speech(speech_sec: float) -> Finding:
    verdict: Verdict = "ok"
    text = "Enough speech."
    if speech_sec < LEAST_SPEECH_SEC:
        verdict, text = "refused", f"Only {speech_sec:.1f} s of speech were found. Record 10 to 30 seconds."
    elif speech_sec < GOOD_SPEECH_SEC:
        verdict, text = "warning", "It works, but 10 to 30 seconds give a better likeness."
    return Finding("speech", "Speech", verdict, round(speech_sec, 1), "s", _SPEECH_EXPECTED, text)


def _likeness(signs: Sequence[Sign]) -> Finding:
    unlike = [sign.unlike for sign in signs if not sign.fits]
    verdict: Verdict = "ok"
    text = "It sounds like speech."
    if len(unlike) >= UNLIKE_SPEECH:
        verdict, text = "refused", f"It sounds like music or noise, not like a voice alone: {_listed(unlike)}."
    elif unlike:
        verdict, text = "warning", f"One thing is unusual for speech: {unlike[0]}. Is there music or an effect on it?"
    return Finding("likeness", "Speech, not music", verdict, float(len(unlike)), "signs against", "fewer than 2", text)


def _one_speaker(samples: Float32, contour: Contour, stretches: list[Stretch]) -> Finding:
    found = speakers_of(samples, contour, stretches)
    verdict, text = _speakers_verdict(found)
    known = found.pieces >= LEAST_PIECES
    value = round(found.gap_semitones, 1) if known else None
    return Finding("speakers", "One speaker", verdict, value, "st apart", "no two groups of pitches", text)


def _speakers_verdict(found: Speakers) -> tuple[Verdict, str]:
    if found.pieces < LEAST_PIECES:
        return "warning", "It is too short to tell whether one person speaks. Please listen."
    if found.certain:
        apart = f"{found.gap_semitones:.0f} semitones apart"
        return (
            "refused",
            f"It looks like two speakers, {apart}. Choose a part in which one person speaks, in one manner.",
        )
    if found.possible:
        return "warning", "It may be two speakers, or one in two places or moods: the timbre changes. Please listen."
    return "ok", "Nothing speaks for a second speaker. Two similar voices cannot be told apart here."


def _noise(ratio_db: float) -> Finding:
    verdict: Verdict = "ok"
    text = "Little noise."
    if ratio_db < LEAST_SNR_DB:
        verdict, text = "refused", "There is too much noise or echo. Record in a quiet room, close to the microphone."
    elif ratio_db < GOOD_SNR_DB:
        verdict, text = "warning", "Noise or echo can be heard, and may be taken for part of the voice."
    return Finding(
        "noise", "Signal to noise", verdict, round(ratio_db, 1), "dB", f"{LEAST_SNR_DB:g}, best {GOOD_SNR_DB:g}", text
    )


def _clipping(share: float) -> Finding:
    verdict: Verdict = "ok"
    text = "Not cut off."
    if share > MUCH_CLIPPED:
        verdict, text = (
            "refused",
            "It is cut off: it was recorded too loud. Lower the microphone's level, record again.",
        )
    elif share > LITTLE_CLIPPED:
        verdict, text = "warning", "Some loud parts are cut off."
    return Finding(
        "clipping", "Cut off", verdict, round(100 * share, 3), "%", f"{100 * LITTLE_CLIPPED:g} or less", text
    )


def _band(rate_hz: int) -> Finding:
    narrow = rate_hz < WIDE_BAND_HZ
    text = "It is of telephone quality, and so will be the voice." if narrow else "Wide enough."
    return Finding(
        "rate", "Sample rate", "warning" if narrow else "ok", float(rate_hz), "Hz", f"{WIDE_BAND_HZ} or more", text
    )


def _result(findings: Sequence[Finding], signs: Sequence[Sign]) -> dict[str, Any]:
    verdicts = {finding.verdict for finding in findings}
    verdict = "refused" if "refused" in verdicts else "warning" if "warning" in verdicts else "ok"
    return {
        "version": VERSION,
        "verdict": verdict,
        "findings": [asdict(finding) for finding in findings],
        "signs": {sign.name: round(sign.value, 4) for sign in signs},
    }


def _listed(reasons: Sequence[str]) -> str:
    return f"{', '.join(reasons[:-1])} and {reasons[-1]}" if len(reasons) > 1 else reasons[0]
