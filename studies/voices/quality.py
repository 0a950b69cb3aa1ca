"""Judges whether a recording is a good reference for voice conversion. Each check has a value, limits and a verdict.

This module does not import Django. It runs in the decoder's process, on at most two minutes of audio.

Whether it sounds like speech rather than music or noise is judged by seven simple signs. Each has a range in which
speech lies; two signs outside their ranges are evidence against speech. The limits were set on speech of six people,
game characters and synthesis, with a signal-to-noise ratio down to 5 dB, against 90 pieces of music, tones and noise.
On other excerpts of the same sources, none of 60 recordings of speech showed two such signs, and 118 of 122 pieces of
music did; the other four showed one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from studies.insights.pitch import HOP_SAMPLES, Contour, pitch_contour
from studies.insights.speech import BELOW_LOUDEST_DB, Stretch, seconds, speech_stretches, syllable_nuclei
from studies.voices.speakers import LEAST_PIECES, Speakers, speakers_of

FRAMES_PER_SEC: Final = SAMPLE_RATE_HZ // HOP_SAMPLES
HELD_FRAMES: Final = 12
HELD_SEMITONES: Final = 0.3
MODULATION_SEC: Final = 1

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sign:
    """A value and the range in which speech lies. `unlike` says what a value outside the range means."""

    name: str
    value: float
    low: float
    high: float
    unlike: str

    @property
    def fits(self) -> bool:
        return self.low <= self.value <= self.high


def signs_of(samples: Float32, contour: Contour, stretches: list[Stretch]) -> list[Sign]:
    """Takes float32 [n] at 24 kHz, with the speech found in it, and its pitch contour; returns the seven signs."""
    levels = frame_levels_db(samples)
    envelope = 10 ** (levels / 20)
    envelope /= envelope.mean() + 1e-12
    voiced = contour.voiced[: len(levels)]
    semitones = 12 * np.log2(np.maximum(contour.f0_hz[: len(levels)], 1.0))
    loud = levels > np.percentile(levels, 99) - BELOW_LOUDEST_DB
    spread = float(np.std(semitones[voiced])) if voiced.any() else 0.0
    periodicity = float(contour.periodicity[: len(levels)][voiced].mean()) if voiced.any() else 0.0
    syllables = len(syllable_nuclei(samples, contour)) / max(seconds(stretches), 0.1)
    return [
        Sign("held_notes_share", _held_share(semitones, voiced), 0.0, 0.2, "its pitch stays on notes, as in music"),
        Sign("level_variation", float(np.std(envelope)), 0.6, np.inf, "its level hardly moves, as in music or noise"),
        Sign(
            "syllable_rhythm_share",
            _syllable_rhythm(envelope),
            0.4,
            1.0,
            "it does not rise and fall with syllables",
        ),
        Sign(
            "voiced_share",
            float((voiced & loud).sum() / max(1, loud.sum())),
            0.4,
            0.985,
            "it lacks the turns between voiced and voiceless sounds",
        ),
        Sign("periodicity", periodicity, 0.75, 1.0, "several pitches sound at once"),
        Sign("pitch_spread_semitones", spread, 0.5, 9.0, "its pitch moves in a way voices do not"),
        Sign("syllables_per_sec", syllables, 2.0, 7.0, "it has no syllables in the rhythm of speech"),
    ]


def frame_levels_db(samples: Float32) -> Float64:
    """Returns the level of every 10 ms in dBFS, [n / HOP_SAMPLES]."""
    frames = len(samples) // HOP_SAMPLES
    power = np.mean(np.square(samples[: frames * HOP_SAMPLES].reshape(frames, HOP_SAMPLES), dtype=np.float64), axis=1)
    levels: Float64 = 10 * np.log10(np.maximum(power, 1e-12))
    return levels


def _held_share(semitones: Float64, voiced: npt.NDArray[np.bool_]) -> float:
    """Returns the share of voiced stretches of 120 ms whose pitch stays within HELD_SEMITONES, as in notes and not in
    intonation."""
    if len(semitones) < HELD_FRAMES:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(semitones, HELD_FRAMES)
    whole = np.lib.stride_tricks.sliding_window_view(voiced, HELD_FRAMES).all(1)
    held = whole & (np.ptp(windows, axis=1) < HELD_SEMITONES)
    return float(held.sum() / max(1, whole.sum()))


def _syllable_rhythm(envelope: Float64) -> float:
    """Returns the share of the envelope's modulation above 0.5 Hz that lies at 2 to 8 Hz, where syllables are (Houtgast
    & Steeneken 1985; used to distinguish speech from music by Scheirer & Slaney 1997)."""
    length = MODULATION_SEC * FRAMES_PER_SEC
    if len(envelope) < length:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(envelope, length)[:: length // 2]
    spectrum = np.abs(np.fft.rfft((windows - windows.mean(1, keepdims=True)) * np.hanning(length))) ** 2
    power = spectrum.mean(0)
    frequency_hz = np.fft.rfftfreq(length, 1 / FRAMES_PER_SEC)
    syllabic = power[(frequency_hz >= 2) & (frequency_hz <= 8)].sum()
    return float(syllabic / (power[frequency_hz >= 0.5].sum() + 1e-12))


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
        text = "Nothing can be heard. Was the right microphone on?"
        silent = Finding("level", "Level", "refused", round(peak_dbfs, 1), "dBFS", f"above {SILENT_DBFS:g}", text)
        return _result([silent], [])
    stretches = speech_stretches(samples)
    about_the_file = [_level(peak_dbfs), _clipping(clipped_share), _band(rate_hz)]
    if not stretches:
        text = "No speech was found: there is only steady noise, music, or almost nothing."
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
    text = "It is very quiet: making it louder makes the noise louder, too." if quiet else "Loud enough."
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
    return "ok", "There is no sign of a second speaker. Two similar voices cannot be told apart here."


def _noise(ratio_db: float) -> Finding:
    verdict: Verdict = "ok"
    text = "Little noise."
    if ratio_db < LEAST_SNR_DB:
        verdict, text = "refused", "There is too much noise or echo. Record in a quiet room, close to the microphone."
    elif ratio_db < GOOD_SNR_DB:
        verdict, text = "warning", "Noise or echo can be heard, and it may be mistaken for part of the voice."
    return Finding(
        "noise", "Signal to noise", verdict, round(ratio_db, 1), "dB", f"{LEAST_SNR_DB:g}, best {GOOD_SNR_DB:g}", text
    )


def _clipping(share: float) -> Finding:
    verdict: Verdict = "ok"
    text = "There is no clipping."
    if share > MUCH_CLIPPED:
        verdict, text = (
            "refused",
            "It is clipped: it was recorded too loud. Lower the level of the microphone and record again.",
        )
    elif share > LITTLE_CLIPPED:
        verdict, text = "warning", "Some loud parts are clipped."
    return Finding(
        "clipping", "Cut off", verdict, round(100 * share, 3), "%", f"{100 * LITTLE_CLIPPED:g} or less", text
    )


def _band(rate_hz: int) -> Finding:
    narrow = rate_hz < WIDE_BAND_HZ
    text = "It has telephone quality, and so will the voice." if narrow else "Wide enough."
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
