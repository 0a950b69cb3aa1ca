"""A recording in steps of 10 ms: level, spectrum, periodicity and pitch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from inference.contract.audio import Float32
from inference.engines.cascade.hearing.vad import RATE_HZ

Float64 = npt.NDArray[np.float64]

HOP_SAMPLES: Final = RATE_HZ // 100
HOP_SEC: Final = HOP_SAMPLES / RATE_HZ
SPECTRUM_SAMPLES: Final = RATE_HZ // 40
FFT_SAMPLES: Final = 512
RUMBLE_HZ: Final = 150.0  # levels and spectra leave out what lies below
BANDS: Final = 20
BANDS_TO_HZ: Final = 4_500.0
PITCH_SAMPLES: Final = RATE_HZ // 25
PITCH_FFT_SAMPLES: Final = 2_048
FLOOR_HZ: Final = 65.0
CEILING_HZ: Final = 600.0
VOICED_PERIODICITY: Final = 0.6
OCTAVE_COST: Final = 0.03  # a period is preferred to twice the period that is hardly better
SILENT_DB: Final = -100.0
FAINTEST_DBFS: Final = -60.0  # what is fainter is no laugh, sigh or speech, even after digital silence
_LEAST_POWER: Final = 10 ** (SILENT_DB / 10)


@dataclass(frozen=True, slots=True)
class Frames:
    """One value for every HOP_SAMPLES; arrays are [n] but for `bands_db`, which is [n, BANDS].

    `level_db` is the energy above RUMBLE_HZ relative to full scale. `bands_db` are mel bands from RUMBLE_HZ to
    BANDS_TO_HZ. `periodicity` is the height of the highest peak of the autocorrelation at a speaker's periods (1 is a
    pure period), and `pitch_hz` the frequency of that peak; see `voiced`. `centroid_hz` is the spectrum's centre of
    gravity and `bright_db` the level above 1 kHz relative to that below."""

    level_db: Float64
    bands_db: Float64
    periodicity: Float64
    pitch_hz: Float64
    centroid_hz: Float64
    bright_db: Float64

    @property
    def voiced(self) -> npt.NDArray[np.bool_]:
        return self.periodicity >= VOICED_PERIODICITY

    def last(self, frames: int) -> Frames:
        """Returns the last so many frames."""
        return Frames(*(getattr(self, each.name)[-frames:] for each in fields(self)))


def analyse(audio: Float32) -> Frames:
    """Takes float32 [n], n at least HOP_SAMPLES, and returns the n // HOP_SAMPLES frames."""
    power = _power(audio)
    frequencies = np.fft.rfftfreq(FFT_SAMPLES, 1 / RATE_HZ)
    power[:, frequencies < RUMBLE_HZ] = 0.0
    total = power.sum(1)
    above = power[:, frequencies >= 1_000.0].sum(1)
    scale = FFT_SAMPLES / 2 * np.square(np.hanning(SPECTRUM_SAMPLES)).sum()
    periodicity, pitch_hz = _pitch(audio)
    return Frames(
        level_db=decibels(total / scale),
        bands_db=decibels(power @ _mel_filters().T / scale),
        periodicity=periodicity,
        pitch_hz=pitch_hz,
        centroid_hz=(power @ frequencies) / (total + _LEAST_POWER),
        bright_db=decibels(above / scale) - decibels((total - above) / scale),
    )


def decibels(power: Float64) -> Float64:
    found: Float64 = 10 * np.log10(np.maximum(power, _LEAST_POWER))
    return found


def smooth(values: Float64, frames: int) -> Float64:
    """Returns the mean over an odd number of frames around each."""
    padded = np.pad(values, frames // 2, mode="edge")
    found: Float64 = np.convolve(padded, np.full(frames, 1 / frames), "valid")
    return found


def _power(audio: Float32) -> Float64:
    """[n frames, FFT_SAMPLES // 2 + 1]"""
    windows = _windows(audio, SPECTRUM_SAMPLES)
    windows = (windows - windows.mean(1, keepdims=True)) * np.hanning(SPECTRUM_SAMPLES)  # an offset is no sound
    found: Float64 = np.abs(np.fft.rfft(windows, FFT_SAMPLES)) ** 2
    return found


def _windows(audio: Float32, samples: int) -> Float64:
    """Returns `samples` around the start of every frame, [n frames, samples]."""
    half = samples // 2
    padded = np.pad(np.asarray(audio, np.float64), (half, half + HOP_SAMPLES))
    return np.lib.stride_tricks.sliding_window_view(padded, samples)[::HOP_SAMPLES][: len(audio) // HOP_SAMPLES]


def _pitch(audio: Float32) -> tuple[Float64, Float64]:
    """Returns periodicity and pitch: the autocorrelation of a window divided by that of the window function, as in
    Boersma 1993, and its highest peak."""
    windows = _windows(audio, PITCH_SAMPLES)
    windows = (windows - windows.mean(1, keepdims=True)) * np.hanning(PITCH_SAMPLES)
    correlation = _autocorrelation(windows)
    correlation = correlation / (correlation[:, :1] + _LEAST_POWER) / _window_correlation()
    lags = np.arange(int(RATE_HZ / CEILING_HZ), int(RATE_HZ / FLOOR_HZ) + 1)
    heights = np.minimum(correlation[:, lags], 1.0)
    chosen = np.argmax(heights - OCTAVE_COST * np.log2(lags), axis=1)
    return heights[np.arange(len(heights)), chosen], RATE_HZ / lags[chosen]


def _autocorrelation(windows: Float64) -> Float64:
    spectrum = np.fft.rfft(windows, PITCH_FFT_SAMPLES)
    found: Float64 = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[..., : int(RATE_HZ / FLOOR_HZ) + 1]
    return found


@cache
def _window_correlation() -> Float64:
    correlation = _autocorrelation(np.hanning(PITCH_SAMPLES))
    found: Float64 = correlation / correlation[0]
    return found


@cache
def _mel_filters() -> Float64:
    """Returns triangular filters, evenly spaced on the mel scale, [BANDS, FFT_SAMPLES // 2 + 1]."""
    low, high, mels = (
        _mel(np.array(RUMBLE_HZ)),
        _mel(np.array(BANDS_TO_HZ)),
        _mel(np.fft.rfftfreq(FFT_SAMPLES, 1 / RATE_HZ)),
    )
    edges = np.linspace(low, high, BANDS + 2)
    rising = (mels - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - mels) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(np.minimum(rising, falling), 0.0)


def _mel(frequency_hz: npt.NDArray[np.floating[Any]]) -> Float64:
    found: Float64 = 2_595 * np.log10(1 + frequency_hz / 700)
    return found
