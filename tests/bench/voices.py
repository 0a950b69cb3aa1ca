"""What every voice converter does to human speech of both sexes: `make bench-voices`.

    python -m tests.bench.voices [--only NAME ...] [--record]

Every preset and every other converter of the catalogue; a converter that cannot run here is left empty with the reason.
`--record` draws docs/img/bench-voices.png. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar, cast

import numpy as np

from inference.contract.audio import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, UPLINK_SAMPLES, Float32
from inference.contract.catalog import converter_class
from inference.contract.errors import InferenceError
from inference.voices.base import Converter, VoiceStream
from tests.bench.voices_cases import Case, every_case
from tests.bench.voices_judges import Quality, Recogniser, Speakers, word_errors, words
from tests.bench.voices_measures import (
    Float64,
    border_roughness,
    envelope_warp,
    f0_track_hz,
    formant_ratios,
    lag_samples,
    pitch_change,
)
from tests.bench.voices_rows import HEADINGS, Row, line_of
from tests.bench.voices_speech import NoSpeech, Speech, human_speech
from tests.inference.voices.psola.tracking import tracked_f0_hz

PICTURE: Final = Path(__file__).resolve().parents[2] / "docs" / "img" / "bench-voices.png"
PASSES: Final = 3  # the quickest counts: the machine may be busy
LONG_ENOUGH_SAMPLES: Final = 5 * SAMPLE_RATE_HZ // 2  # of a clip, to judge its quality
T = TypeVar("T")


class Bench:
    """The speech and what judges it, loaded once."""

    def __init__(self) -> None:
        """Raises NoSpeech."""
        self.speech = human_speech()
        self.missing: list[str] = []
        self.recogniser = self._tool("word errors", Recogniser)
        self.quality = self._tool("DNSMOS", Quality)
        self.speakers = self._tool("speaker similarity", Speakers)
        self.f0_hz = {speech.talker: f0_track_hz(speech.samples) for speech in self.speech}
        self._converters: dict[str, Converter] = {}
        self._own: dict[str, Float32] = {}
        self._untouched: dict[tuple[str, str], object] = {}

    def _tool(self, what: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except (ImportError, InferenceError) as error:
            self.missing.append(f"{what}: {error}")
            return None

    def converter(self, name: str) -> Converter:
        """Raises InferenceError."""
        if name not in self._converters:
            self._converters[name] = converter_class(name)()
        return self._converters[name]

    def measure(self, case: Case) -> Row:
        """Raises InferenceError."""
        converter = self.converter(case.converter)
        talkers = [speech for speech in self.speech if speech.talker in case.talkers]
        heard, seconds = [], 0.0
        for speech in talkers:
            target = self._enrolled(converter, speech) if converter.needs_target else ""
            stream = converter.open(case.parameters, target=target)
            samples, cpu_sec = _converted(stream, speech.samples, paced=converter.needs_target)
            latency = stream.latency_samples
            heard.append((speech, samples[latency : latency + len(speech.samples)]))
            seconds += cpu_sec
        whole = sum(len(speech.samples) for speech in talkers)
        untouched = [(speech, speech.samples) for speech in talkers]
        aligned = np.concatenate([after for _, after in heard])
        before = np.concatenate([speech.samples for speech in talkers])
        requested = np.concatenate([case.requested_hz(self.f0_hz[speech.talker]) for speech in talkers])
        found = np.concatenate([f0_track_hz(after) for _, after in heard])
        voiced = (requested > 0) & (found > 0)
        pitch = pitch_change(requested, found)
        lags = [_lags(speech.samples, after) for speech, after in heard]
        return Row(
            case.name,
            latency / SAMPLE_RATE_HZ * 1_000,
            float(np.mean([first for first, _ in lags])),
            max((second - first for first, second in lags), key=abs),
            seconds / (whole / SAMPLE_RATE_HZ),
            border_roughness(aligned, UPLINK_SAMPLES),
            pitch.median_cents,
            pitch.gross,
            pitch.voicing,
            formant_ratios(before, aligned, voiced, case.formant_ratio),
            float(np.mean([self._warp(case, speech, after) for speech, after in heard])),
            (self._word_error_rate(untouched), self._word_error_rate(heard)),
            (self._quality(untouched), self._quality(heard)),
            self._similarity(heard),
        )

    def _warp(self, case: Case, speech: Speech, after: Float32) -> float:
        tracks = self.f0_hz[speech.talker], f0_track_hz(after)
        return envelope_warp(speech.samples, after, *tracks, case.formant_ratio) / case.formant_ratio

    def _enrolled(self, converter: Converter, speech: Speech) -> str:
        """Another talker's voice."""
        other = next(one for one in reversed(self.speech) if one.talker != speech.talker)
        converter.enrol(other.talker, other.samples[: 15 * SAMPLE_RATE_HZ])
        return other.talker

    def _word_error_rate(self, heard: Sequence[tuple[Speech, Float32]]) -> float | None:
        if self.recogniser is None:
            return None
        wrong = said = 0
        for speech, samples in heard:
            for clip in speech.clips:
                expected, sound = words(clip.text), samples[clip.start : clip.stop]
                heard_words = self._judged(("words", clip.name), self.recogniser.words, sound, speech, samples)
                wrong += word_errors(expected, heard_words)
                said += len(expected)
        return wrong / said

    def _quality(self, heard: Sequence[tuple[Speech, Float32]]) -> float | None:
        if self.quality is None:
            return None
        scores = [
            self._judged(("quality", clip.name), self.quality.score, samples[clip.start : clip.stop], speech, samples)
            for speech, samples in heard
            for clip in speech.clips
            if clip.stop - clip.start > LONG_ENOUGH_SAMPLES
        ]
        return float(np.mean(scores))

    def _judged(
        self, key: tuple[str, str], judge: Callable[[Float32], T], sound: Float32, speech: Speech, samples: Float32
    ) -> T:
        """What the judge says; once only of the untouched voice."""
        if samples is not speech.samples:
            return judge(sound)
        if key not in self._untouched:
            self._untouched[key] = judge(sound)
        return cast("T", self._untouched[key])

    def _similarity(self, heard: Sequence[tuple[Speech, Float32]]) -> float | None:
        if self.speakers is None:
            return None
        for speech, _ in heard:
            if speech.talker not in self._own:
                self._own[speech.talker] = self.speakers.embedding(speech.samples)
        return float(np.mean([self._own[speech.talker] @ self.speakers.embedding(after) for speech, after in heard]))


def _converted(stream: VoiceStream, samples: Float32, *, paced: bool) -> tuple[Float32, float]:
    """All that comes out, with as much silence behind as the latency takes; and the CPU time of the quickest pass.
    `paced`: in real time and once, for a converter that runs elsewhere."""
    tail = np.zeros(-(-stream.latency_samples // FRAME_SAMPLES) * FRAME_SAMPLES, np.float32)
    whole = np.concatenate([samples, tail])
    best = np.inf
    for _ in range(1 if paced else PASSES):
        stream.reset()
        heard, spent, begun = [], 0.0, time.monotonic()
        for place, start in enumerate(range(0, len(whole), FRAME_SAMPLES)):
            if paced:
                time.sleep(max(0.0, begun + place * FRAME_MS / 1_000 - time.monotonic()))
            before = time.process_time()
            heard.append(stream.push(whole[start : start + FRAME_SAMPLES]))
            spent += time.process_time() - before
        best = min(best, spent)
    stream.close()
    return np.concatenate(heard), best


def _lags(before: Float32, after: Float32) -> tuple[float, float]:
    """In ms, of the first and the second half."""
    middle = len(before) // 2
    halves = ((before[:middle], after[:middle]), (before[middle:], after[middle:]))
    first, second = (lag_samples(*half) * 1_000 / SAMPLE_RATE_HZ for half in halves)
    return first, second


def tracker_lines(speech: Sequence[Speech], f0_hz: dict[str, Float64]) -> list[str]:
    """The transformation's own F0 against Praat's of the whole file, with one floor."""
    expected = np.concatenate([f0_track_hz(one.samples, 60.0, 500.0) for one in speech])
    found = np.concatenate([tracked_f0_hz(one.samples, 60.0)[: len(f0_hz[one.talker])] for one in speech])
    change = pitch_change(expected, found)
    return [
        f"pitch tracker against Praat's: {100 * change.voicing:.1f} % of frames voiced in one alone, "
        f"{100 * change.gross:.2f} % gross errors, median {change.median_cents:+.1f} cents"
    ]


def similarity_lines(bench: Bench) -> list[str]:
    """What similarities mean: one talker with themself, and with the others."""
    if bench.speakers is None:
        return []
    halves = {}
    for speech in bench.speech:
        middle = len(speech.samples) // 2
        parts = (speech.samples[:middle], speech.samples[middle:])
        halves[speech.talker] = [bench.speakers.embedding(part) for part in parts]
    same = [first @ second for first, second in halves.values()]
    names = list(halves)
    others = [halves[a][0] @ halves[b][1] for a in names for b in names if a != b]
    return [
        f"speaker similarity: two halves of one talker {np.mean(same):.2f}, two talkers {np.mean(others):.2f} "
        f"({min(others):.2f} to {max(others):.2f})"
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.voices", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="presets or converters")
    parser.add_argument("--record", action="store_true", help=f"draw {PICTURE.name}")
    options = parser.parse_args()
    try:
        bench = Bench()
    except NoSpeech as error:
        print(error, file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"{error}; install what the benchmark needs: make bench-voices", file=sys.stderr)
        return 1
    print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}", flush=True)
    rows = []
    for case in every_case():
        if options.only and not {case.name, case.converter} & set(options.only):
            continue
        try:
            rows.append(bench.measure(case))
        except InferenceError as error:
            print(f"| {case.name} |{' |' * (len(HEADINGS) - 1)}", flush=True)
            bench.missing.append(f"{case.name}: {error}")
        else:
            print(line_of(rows[-1]), flush=True)
    for line in (*tracker_lines(bench.speech, bench.f0_hz), *similarity_lines(bench), *bench.missing):
        print(f"\n{line}", flush=True)
    if options.record:
        from tests.bench.voices_picture import draw

        draw(rows, PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
