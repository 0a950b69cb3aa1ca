"""Computes all measurements of a take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from studies.errors import Unmeasurable
from studies.insights import acoustic, speech, text, turn_taking
from studies.insights.measurement import Measurement, Method, Role, TrackKind, Words
from studies.insights.pitch import Contour, pitch_contour
from studies.insights.speech import Stretch
from studies.insights.turn_taking import Floor

ROLE: Final[Mapping[TrackKind, Role]] = {"participant": "participant", "heard": "participant", "agent": "agent"}
OTHER: Final[Mapping[TrackKind, TrackKind]] = {"participant": "agent", "heard": "agent", "agent": "participant"}
DURATION = Method("duration_sec", "s", "Samples of the track over its sample rate")


def measure(tracks: Mapping[TrackKind, Float32], utterances: Sequence[Words]) -> list[Measurement]:
    """Computes every value of METHODS for every track, float32 [n] at 24 kHz on one clock. Minutes of audio take
    seconds.

    A value that cannot be measured is None with the reason; no value is ever NaN."""
    evidence: dict[TrackKind, Evidence] = {}
    for kind, samples in tracks.items():
        evidence[kind] = Evidence(kind, samples, utterances, evidence)
    return [_measurement(of, method) for of in evidence.values() for method in METHODS]


class Evidence:
    """The data from which the values of one track are computed, each found once.

    Every attribute may raise Unmeasurable."""

    def __init__(
        self, kind: TrackKind, samples: Float32, utterances: Sequence[Words], take: Mapping[TrackKind, Evidence]
    ) -> None:
        self.kind: TrackKind = kind
        self._samples = samples
        self._utterances = utterances
        self._take = take

    @cached_property
    def samples(self) -> Float32:
        if not np.isfinite(self._samples).all():
            raise Unmeasurable(f"the {self.kind} track holds samples that are no numbers")
        return self._samples

    @cached_property
    def stretches(self) -> list[Stretch]:
        return speech.speech_stretches(self.samples)

    @cached_property
    def contour(self) -> Contour:
        return pitch_contour(self.samples)

    @cached_property
    def syllables(self) -> int:
        return len(speech.syllable_nuclei(self.samples, self.contour))

    @cached_property
    def floor(self) -> Floor:
        other = self._take.get(OTHER[self.kind])
        if other is None:
            raise Unmeasurable(f"there is no {OTHER[self.kind]} track")
        return turn_taking.floor_of(self.stretches, other.stretches)

    @cached_property
    def speaking_sec(self) -> float:
        return speech.seconds(self.stretches)

    @property
    def turns_sec(self) -> float:
        """The speaking time, and the pauses within turns."""
        return self.speaking_sec + self.floor.pause_ms / 1_000

    @cached_property
    def transcript(self) -> str:
        return text.transcript(self._utterances, ROLE[self.kind])


VALUES: Final[Mapping[Method, Callable[[Evidence], float]]] = {
    DURATION: lambda of: len(of.samples) / SAMPLE_RATE_HZ,
    acoustic.LEVEL: lambda of: acoustic.level_dbfs(of.samples, of.stretches),
    acoustic.F0_MEDIAN: lambda of: acoustic.f0_median_hz(of.contour),
    acoustic.F0_SPREAD: lambda of: acoustic.f0_sd_semitones(of.contour),
    acoustic.HARMONICITY: lambda of: acoustic.harmonicity_db(of.contour),
    speech.SPEAKING_TIME: lambda of: of.speaking_sec,
    speech.ARTICULATION_RATE: lambda of: speech.rate_per_sec(of.syllables, of.speaking_sec),
    speech.SPEECH_RATE: lambda of: speech.rate_per_sec(of.syllables, of.turns_sec),
    turn_taking.TURNS: lambda of: of.floor.turns,
    turn_taking.PAUSES: lambda of: len(of.floor.pauses),
    turn_taking.PAUSE_MEDIAN: lambda of: turn_taking.pause_median_ms(of.floor),
    turn_taking.FLOOR_TRANSFER_OFFSET: lambda of: turn_taking.floor_transfer_offset_ms(of.floor),
    turn_taking.RESPONSE_LATENCY: lambda of: turn_taking.response_latency_ms(of.floor),
    text.WORD_COUNT: lambda of: text.count_words(of.transcript),
    text.WORDS_PER_MIN: lambda of: 60 * speech.rate_per_sec(text.count_words(of.transcript), of.turns_sec),
    text.SENTIMENT: lambda of: text.sentiment(of.transcript),
}
METHODS: Final[tuple[Method, ...]] = tuple(VALUES)


def _measurement(of: Evidence, method: Method) -> Measurement:
    value: float | None
    try:
        value, reason = float(VALUES[method](of)), ""
    except Unmeasurable as error:
        value, reason = None, error.reason
    return Measurement(of.kind, method.name, value, reason, method.unit, method.citation, method.version)
