"""Finds the fundamental frequency and harmonicity of a whole recording, every 10 ms (Boersma 1993).

The autocorrelation of each window is divided by that of the window function. Its strongest peaks are the candidates,
and the cheapest path through them decides. The parameters are those of Praat's "To Pitch (ac)" unless stated otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from inference.contract.audio import SAMPLE_RATE_HZ, Float32

Float64 = npt.NDArray[np.float64]

HOP_SAMPLES = SAMPLE_RATE_HZ // 100
FLOOR_HZ = 60.0
CEILING_HZ = 600.0
WINDOW_SAMPLES = int(3 * SAMPLE_RATE_HZ / FLOOR_HZ)
CANDIDATES = 6
SILENCE_THRESHOLD = 0.03
VOICING_THRESHOLD = 0.45
OCTAVE_COST = 0.01
OCTAVE_JUMP_COST = 0.35
VOICING_CHANGE_COST = 0.14
_BATCH_FRAMES = 1_000
_LAGS = np.arange(int(SAMPLE_RATE_HZ / CEILING_HZ), int(SAMPLE_RATE_HZ / FLOOR_HZ) + 2)
_FFT_SAMPLES = fft.next_fast_len(WINDOW_SAMPLES + int(_LAGS[-1]) + 2, real=True)
_REFUSED = -9.0


@dataclass(frozen=True, slots=True)
class Contour:
    """One value for every HOP_SAMPLES, the first at sample 0; all arrays are [n].

    `f0_hz` is 0 where unvoiced; `periodicity` is the height of the chosen autocorrelation peak, 0 where unvoiced."""

    f0_hz: Float64
    periodicity: Float64

    @property
    def voiced(self) -> npt.NDArray[np.bool_]:
        return self.f0_hz > 0


def pitch_contour(samples: Float32) -> Contour:
    """Takes float32 [n], all finite, and returns the contour of n / HOP_SAMPLES frames, rounded up."""
    frames = -(-len(samples) // HOP_SAMPLES)
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return Contour(np.zeros(frames), np.zeros(frames))
    half = WINDOW_SAMPLES // 2
    padded = np.pad(np.asarray(samples, np.float64) / peak, (half, half + HOP_SAMPLES))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::HOP_SAMPLES][:frames]
    batches = [_candidates(windows[start : start + _BATCH_FRAMES]) for start in range(0, frames, _BATCH_FRAMES)]
    frequencies, heights, unvoiced = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    strengths = heights - OCTAVE_COST * np.log2(FLOOR_HZ / np.maximum(frequencies, 1.0))
    strengths = np.where(frequencies > 0, strengths, _REFUSED)
    strengths[:, 0] = unvoiced
    chosen = _cheapest_path(frequencies, strengths)
    every = np.arange(frames)
    return Contour(frequencies[every, chosen], heights[every, chosen])


def _candidates(windows: Float64) -> tuple[Float64, Float64, Float64]:
    """Takes [frames, window] and returns the frequency in Hz and the peak height of each candidate, both
    [frames, 1 + CANDIDATES], and the strength of the unvoiced candidate, [frames].

    The first candidate is the unvoiced one; it and missing candidates are zero."""
    windows = windows - windows.mean(1, keepdims=True)
    loudness = np.abs(windows[:, WINDOW_SAMPLES // 3 : -(WINDOW_SAMPLES // 3)]).max(1)  # over the longest period
    correlation = _autocorrelation(windows * np.hanning(WINDOW_SAMPLES))
    correlation = correlation / (correlation[:, :1] + 1e-12) / _window_correlation()
    left, mid, right = (correlation[:, _LAGS + shift] for shift in (-1, 0, 1))
    curvature = np.minimum(left - 2 * mid + right, -1e-12)
    offset = np.clip(0.5 * (left - right) / curvature, -0.5, 0.5)  # the vertex of a parabola through the peak
    frequency = SAMPLE_RATE_HZ / (_LAGS + offset)
    height = np.minimum(mid - 0.25 * (left - right) * offset, 1.0)
    is_peak = (mid > left) & (mid >= right) & (mid > 0.5 * VOICING_THRESHOLD)
    is_peak &= (frequency >= FLOOR_HZ) & (frequency <= CEILING_HZ)
    ranked = np.where(is_peak, height - OCTAVE_COST * np.log2(FLOOR_HZ / frequency), _REFUSED)
    best = np.argpartition(-ranked, CANDIDATES - 1, axis=1)[:, :CANDIDATES]
    is_peak = np.take_along_axis(is_peak, best, 1)
    frequency = np.where(is_peak, np.take_along_axis(frequency, best, 1), 0.0)
    height = np.where(is_peak, np.take_along_axis(height, best, 1), 0.0)
    quiet = np.maximum(0.0, 2 - loudness * (1 + VOICING_THRESHOLD) / SILENCE_THRESHOLD)
    none = np.zeros((len(windows), 1))
    return np.hstack([none, frequency]), np.hstack([none, height]), VOICING_THRESHOLD + quiet


def _cheapest_path(frequencies: Float64, strengths: Float64) -> npt.NDArray[np.intp]:
    """Takes frequencies and strengths, both [frames, candidates]; returns the chosen candidate of each frame."""
    frames = len(frequencies)
    octave = np.log2(np.maximum(frequencies, 1.0))
    voiced = frequencies > 0
    origin = np.zeros(frequencies.shape, np.intp)
    score = strengths[0]
    for i in range(1, frames):
        both = voiced[i][:, None] & voiced[i - 1][None]
        one = voiced[i][:, None] ^ voiced[i - 1][None]
        jump = OCTAVE_JUMP_COST * np.abs(octave[i][:, None] - octave[i - 1][None])
        arriving = score[None] - np.where(both, jump, np.where(one, VOICING_CHANGE_COST, 0.0))
        origin[i] = arriving.argmax(1)
        score = strengths[i] + arriving.max(1)
    chosen = np.zeros(frames, np.intp)
    chosen[-1] = score.argmax()
    for i in range(frames - 1, 0, -1):
        chosen[i - 1] = origin[i, chosen[i]]
    return chosen


def _autocorrelation(windows: Float64) -> Float64:
    """[..., window] -> [..., lags from 0]."""
    spectrum = fft.rfft(windows, _FFT_SAMPLES)
    power = spectrum.real**2 + spectrum.imag**2
    correlation: Float64 = fft.irfft(power, _FFT_SAMPLES)[..., : _LAGS[-1] + 2]
    return correlation


def _window_correlation() -> Float64:
    correlation = _autocorrelation(np.hanning(WINDOW_SAMPLES))
    normalised: Float64 = correlation / correlation[0]
    return normalised
