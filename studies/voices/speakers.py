"""Estimates from pitch and timbre, without a trained model, whether a recording has more than one speaker.

The speech is cut into pieces of up to 2 s, which are split into two groups, once by median pitch and once by timbre
(mel cepstra of voiced frames, two means). Two groups with a gap between their pitches are two speakers, or one who acts
two; that is certain enough to refuse the recording. Groups that differ only in timbre lead to a warning. The difference
in timbre is the gain of two Gaussians over one, by the Bayesian information criterion (Chen & Gopalakrishnan 1998), per
frame.

The limits were set on recordings of six people. On other recordings of the same people, 58 of 60 recordings of one
person passed and 2 got the warning. Of 25 that joined a low and a high voice, 24 were refused and one got the warning.
Of 36 that joined two similar voices, 28 were noticed. Voices that only overlap are noticed by their noise, or not at
all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import fft

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from studies.insights.pitch import HOP_SAMPLES, Contour
from studies.insights.speech import Stretch

PIECE_FRAMES: Final = 200
LEAST_VOICED_FRAMES: Final = 30
LEAST_PIECES: Final = 4
LEAST_SHARE: Final = 0.15  # of the voiced frames; a smaller group is a cough or a laugh
WINDOW_SAMPLES: Final = 768
MEL_BANDS: Final = 30
MEL_RANGE_HZ: Final = (100.0, 3_800.0)  # the band of a telephone, so that recordings of any kind are comparable
CEPSTRA: Final = 16
STARTS: Final = 12

GAP_SEMITONES: Final = 6.5
HOLE_SEMITONES: Final = 3.0
SEPARATION: Final = 2.8
TIMBRE_GAIN: Final = 0.3
LEAST_TIMBRE_PIECES: Final = 6

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Speakers:
    """The evidence for more than one speaker, from `pieces` pieces. Below LEAST_PIECES the other values are 0.

    `gap_semitones` is the distance between the mean pitches of the two groups, `hole_semitones` the distance
    between the two pieces nearest the split, and `separation` the gap divided by the spread within the groups.
    `timbre_gain` is in nats per frame."""

    pieces: int
    gap_semitones: float = 0.0
    hole_semitones: float = 0.0
    separation: float = 0.0
    timbre_gain: float = 0.0

    @property
    def certain(self) -> bool:
        """Whether there are two groups of pitches with a gap between them."""
        return (
            self.gap_semitones >= GAP_SEMITONES
            and self.hole_semitones >= HOLE_SEMITONES
            and self.separation >= SEPARATION
        )

    @property
    def possible(self) -> bool:
        """Whether there are two groups of timbres, which two moods or two microphones can also cause."""
        return self.pieces >= LEAST_TIMBRE_PIECES and self.timbre_gain >= TIMBRE_GAIN


def speakers_of(samples: Float32, contour: Contour, stretches: list[Stretch]) -> Speakers:
    """Takes float32 [n] at 24 kHz, its pitch contour, and the stretches of speech."""
    pieces = _pieces(contour, stretches)
    if len(pieces) < LEAST_PIECES:
        return Speakers(len(pieces))
    sizes = np.array([len(piece) for piece in pieces])
    semitones = 12 * np.log2(np.maximum(contour.f0_hz, 1.0))
    pitch = np.array([np.median(semitones[piece]) for piece in pieces])
    gap, hole, separation = _pitch_groups(pitch, sizes)
    cepstra = _mel_cepstra(samples, len(contour.f0_hz))
    return Speakers(len(pieces), gap, hole, separation, _timbre_gain([cepstra[piece] for piece in pieces], sizes))


def _pieces(contour: Contour, stretches: list[Stretch]) -> list[Indices]:
    """Returns the voiced frames of each piece of speech."""
    found = []
    for stretch in stretches:
        first, last = stretch.start // HOP_SAMPLES, min(stretch.end // HOP_SAMPLES, len(contour.f0_hz))
        for frames in np.array_split(np.arange(first, last), max(1, round((last - first) / PIECE_FRAMES))):
            voiced = frames[contour.voiced[frames]]
            if len(voiced) >= LEAST_VOICED_FRAMES:
                found.append(voiced)
    return found


def _pitch_groups(pitch: Float64, sizes: npt.NDArray[np.intp]) -> tuple[float, float, float]:
    """Splits the pieces into the two groups with the least spread within; returns their gap, hole and separation."""
    order = np.argsort(pitch)
    pitch, sizes = pitch[order], sizes[order].astype(float)
    best = (np.inf, 0.0, 0.0, 0.0)
    for split in range(1, len(pitch)):
        lower, upper = slice(None, split), slice(split, None)
        if min(sizes[lower].sum(), sizes[upper].sum()) < LEAST_SHARE * sizes.sum():
            continue
        means = [float(np.average(pitch[group], weights=sizes[group])) for group in (lower, upper)]
        inside = sum(
            float((sizes[group] * (pitch[group] - mean) ** 2).sum())
            for group, mean in zip((lower, upper), means, strict=True)
        ) / float(sizes.sum())
        if inside < best[0]:
            gap = means[1] - means[0]
            # 0.25 is half a semitone, squared: no piece's pitch is known more precisely.
            best = (inside, gap, float(pitch[split] - pitch[split - 1]), gap / float(np.sqrt(2 * (inside + 0.25))))
    return best[1:]


def _timbre_gain(pieces: list[Float64], sizes: npt.NDArray[np.intp]) -> float:
    """Returns how much better two Gaussians explain the pieces than one, in nats per frame, for the best split."""
    within = np.sqrt(np.average([piece.var(0) for piece in pieces], axis=0, weights=sizes)) + 1e-6
    second = _two_means(np.array([piece.mean(0) for piece in pieces]) / within, sizes.astype(float))
    if min(sizes[second].sum(), sizes[~second].sum()) < LEAST_SHARE * sizes.sum():
        return 0.0
    groups = [
        np.concatenate([p for p, chosen in zip(pieces, second, strict=True) if chosen == g]) for g in (True, False)
    ]
    together = np.concatenate(groups)
    frames, dimensions = together.shape
    likelihood = 0.5 * (frames * _log_volume(together) - sum(len(group) * _log_volume(group) for group in groups))
    parameters = dimensions + dimensions * (dimensions + 1) / 2
    return float((likelihood - 0.5 * parameters * np.log(frames)) / frames)


def _two_means(points: Float64, weights: Float64) -> Bools:
    """Takes [pieces, dimensions]; returns which pieces are in the second group. Starts from the most distant pairs."""
    distances = np.square(points[:, None] - points[None]).sum(-1)
    furthest = np.argsort(-distances, axis=None)[: 2 * STARTS : 2]  # Each pair occurs twice.
    best, best_error = np.zeros(len(points), bool), np.inf
    for start in furthest:
        first, second = (points[place].copy() for place in np.unravel_index(start, distances.shape))
        for _ in range(20):
            chosen = np.square(points - second).sum(1) < np.square(points - first).sum(1)
            if chosen.all() or not chosen.any():
                break
            first = np.average(points[~chosen], axis=0, weights=weights[~chosen])
            second = np.average(points[chosen], axis=0, weights=weights[chosen])
        centres = np.where(chosen[:, None], second, first)
        error = float((weights * np.square(points - centres).sum(1)).sum())
        if chosen.any() and not chosen.all() and error < best_error:
            best, best_error = chosen, error
    return best


def _log_volume(frames: Float64) -> float:
    covariance = np.cov(frames.T) + 1e-3 * np.eye(frames.shape[1])
    return float(np.linalg.slogdet(covariance)[1])


def _mel_cepstra(samples: Float32, frames: int) -> Float64:
    """Returns [frames, CEPSTRA], without the level."""
    signal = np.asarray(samples, np.float64)
    signal = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])
    padded = np.pad(signal, (WINDOW_SAMPLES // 2, WINDOW_SAMPLES + HOP_SAMPLES))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::HOP_SAMPLES][:frames]
    bands = np.abs(fft.rfft(windows * np.hanning(WINDOW_SAMPLES))) ** 2 @ _mel_bands().T
    cepstra: Float64 = fft.dct(np.log(bands + 1e-8), norm="ortho")[:, 1 : CEPSTRA + 1]
    return cepstra


def _mel_bands() -> Float64:
    """Returns triangular bands [bands, bins], evenly spaced in mel (O'Shaughnessy 1987)."""
    low, high = (1_127 * np.log1p(frequency / 700) for frequency in MEL_RANGE_HZ)
    edges = 700 * np.expm1(np.linspace(low, high, MEL_BANDS + 2) / 1_127)
    bins = np.fft.rfftfreq(WINDOW_SAMPLES, 1 / SAMPLE_RATE_HZ)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    bands: Float64 = np.maximum(0, np.minimum(rising, falling))
    return bands
