"""What is measured of a converted voice. Each takes float32 [n] at 24 kHz, the voice before and after, aligned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from inference.contract.audio import SAMPLE_RATE_HZ, Float32

Float64 = npt.NDArray[np.float64]
FRAME_SEC: Final = 0.01
PITCH_FLOOR_HZ, PITCH_CEILING_HZ = 60.0, 700.0
GROSS: Final = 0.2


def f0_track_hz(samples: Float32, floor_hz: float = PITCH_FLOOR_HZ, ceiling_hz: float = PITCH_CEILING_HZ) -> Float64:
    """F0 at 0, 10, 20 ms and so on, 0 where unvoiced: Praat's autocorrelation over the whole file."""
    import parselmouth

    pitch = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE_HZ).to_pitch_ac(
        time_step=FRAME_SEC, pitch_floor=floor_hz, pitch_ceiling=ceiling_hz
    )
    times = np.arange(int(len(samples) / SAMPLE_RATE_HZ / FRAME_SEC)) * FRAME_SEC
    return np.asarray(np.nan_to_num([pitch.get_value_at_time(time) for time in times]))


@dataclass(frozen=True, slots=True)
class PitchChange:
    """`median_cents`: median F0 against the request. `gross`: share of voiced frames more than 20 % off the request.
    `voicing`: share of all frames voiced in one and not in the other."""

    median_cents: float
    gross: float
    voicing: float


def pitch_change(expected_hz: Float64, found_hz: Float64) -> PitchChange:
    both = (expected_hz > 0) & (found_hz > 0)
    ratio = found_hz[both] / expected_hz[both]
    median = np.median(found_hz[both]) / np.median(expected_hz[both])
    return PitchChange(
        float(1_200 * np.log2(median)),
        float(np.mean(np.abs(ratio - 1) > GROSS)),
        float(np.mean((expected_hz > 0) != (found_hz > 0))),
    )


def envelope_warp(before: Float32, after: Float32, before_hz: Float64, after_hz: Float64, requested: float) -> float:
    """By which factor the mean spectral envelope of the frames voiced in both is stretched: the one, within 8 % of the
    request, at which both are most alike, over what lies from 300 to 5,000 Hz in both. F0 tracks as by `f0_track_hz`.
    """
    voiced = (before_hz > 0) & (after_hz > 0)
    axis = np.geomspace(300 * max(1.0, requested), 5_000 * min(1.0, requested), 600)
    factors = requested * np.linspace(0.92, 1.08, 641)
    source_axis = np.geomspace(axis[0] / factors[-1], axis[-1] / factors[0], 1_200)
    heard = _mean_envelope(after, np.where(voiced, after_hz, 0), axis)
    source = _mean_envelope(before, np.where(voiced, before_hz, 0), source_axis)
    alike = [np.corrcoef(heard, np.interp(axis / factor, source_axis, source))[0, 1] for factor in factors]
    return float(factors[int(np.argmax(alike))])


def _mean_envelope(samples: Float32, f0_hz: Float64, axis_hz: Float64) -> Float64:
    """Mean over voiced frames of the levels of the harmonics in dB, joined by straight lines, at `axis_hz`."""
    size, hop = 2_048, round(FRAME_SEC * SAMPLE_RATE_HZ)
    padded = np.pad(samples.astype(np.float64), size // 2)
    window, bin_hz = np.hanning(size), SAMPLE_RATE_HZ / size
    total, frames = np.zeros(len(axis_hz)), 0
    for frame in np.flatnonzero(f0_hz):
        part = padded[frame * hop : frame * hop + size]
        if len(part) < size:
            continue
        power = np.abs(np.fft.rfft(part * window)) ** 2
        harmonics = np.arange(1, int(8_000 / f0_hz[frame])) * f0_hz[frame]
        place = np.rint(harmonics / bin_hz).astype(int)
        levels = 10 * np.log10(np.maximum.reduce([power[place - 1], power[place], power[place + 1]]) + 1e-9)
        total += np.interp(axis_hz, harmonics, levels)
        frames += 1
    return total / max(frames, 1)


def formant_ratios(before: Float32, after: Float32, voiced: npt.NDArray[np.bool_], requested: float) -> list[float]:
    """Medians of F1, F2 and F3 after over before, over the request: Praat's Burg method, the ceiling moved along."""
    source, result = _formants(before, 1.0), _formants(after, requested)
    times = np.flatnonzero(voiced)
    return [float(np.nanmedian(result[times, n]) / np.nanmedian(source[times, n]) / requested) for n in range(3)]


def _formants(samples: Float32, scale: float) -> Float64:
    """[frames, 3] in Hz."""
    import parselmouth

    formant = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE_HZ).to_formant_burg(
        time_step=FRAME_SEC, max_number_of_formants=5, maximum_formant=5_250 * scale, window_length=0.025
    )
    times = np.arange(int(len(samples) / SAMPLE_RATE_HZ / FRAME_SEC)) * FRAME_SEC
    return np.array([[formant.get_value_at_time(n, t) for n in (1, 2, 3)] for t in times])


def lag_samples(before: Float32, after: Float32) -> int:
    """How much later `after` is: by loudness over 10 ms, to a millisecond."""
    size = 2 * len(before)
    loudness = [np.convolve(np.abs(x.astype(np.float64)), np.hanning(240), "same") for x in (before, after)]
    spectra = [np.fft.rfft(x - x.mean(), size) for x in loudness]
    correlation = np.fft.irfft(spectra[1] * spectra[0].conj(), size)
    lag = int(correlation.argmax())
    return lag if lag < len(before) else lag - size


def border_roughness(samples: Float32, border_samples: int) -> float:
    """Second difference at the borders of blocks against half-way between them: 1 where no border can be heard."""
    rough = np.abs(np.diff(samples.astype(np.float64), 2))
    loud = np.convolve(np.abs(samples), np.ones(240) / 240, "same")[1:-1] > 0.01
    at = np.arange(border_samples - 1, len(rough), border_samples)
    between = at - border_samples // 2
    return float(np.percentile(rough[at[loud[at]]], 99) / np.percentile(rough[between[loud[between]]], 99))
