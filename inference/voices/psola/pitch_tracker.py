"""Fundamental frequency every 5 ms, by the autocorrelation of a window over that of the window function itself
(Boersma 1993)."""

from __future__ import annotations

import numpy as np
from scipy import fft

from inference.audio import SAMPLE_RATE_HZ
from inference.latency import HOP_SAMPLES, half_window_samples
from inference.voices.psola.pitch_path import PitchPath
from inference.voices.psola.signal import Float64, Signal


class PitchTracker:
    """F0 in Hz of frame i, centred on sample i * HOP_SAMPLES; 0 where unvoiced."""

    def __init__(self, floor_hz: float) -> None:
        self.half_window = half_window_samples(floor_hz)
        self._window = np.hanning(2 * self.half_window + 2)[1:-1]
        self._lags = int(np.ceil(SAMPLE_RATE_HZ / floor_hz)) + 3
        self._fft_samples = fft.next_fast_len(2 * self.half_window + self._lags, real=True)
        window_correlation = self._autocorrelation(self._window)
        self._window_correlation = window_correlation / window_correlation[0]
        self._path = PitchPath(floor_hz)
        self._analysed = 0  # frames
        self._f0_hz: list[float] = []
        self._first_frame = 0

    @property
    def known_until(self) -> int:
        """The first sample `at` cannot be asked about."""
        return (self._first_frame + len(self._f0_hz) - 1) * HOP_SAMPLES

    def update(self, signal: Signal) -> None:
        """Analyse every frame whose window is complete."""
        frames = (signal.stop - self.half_window) // HOP_SAMPLES + 1 - self._analysed
        if frames <= 0:
            return
        centres = [(self._analysed + i) * HOP_SAMPLES for i in range(frames)]
        windows = np.stack([signal.span(c - self.half_window, c + self.half_window) for c in centres])
        windows -= windows.mean(1, keepdims=True)
        peaks = np.abs(windows).max(1)
        correlations = self._autocorrelation(windows * self._window)
        correlations /= (correlations[:, :1] + 1e-12) * self._window_correlation
        for correlation, peak in zip(correlations, peaks, strict=True):
            f0_hz = self._path.extend(correlation, float(peak))
            if f0_hz is not None:
                self._f0_hz.append(f0_hz)
        self._analysed += frames

    def at(self, sample: float) -> float:
        """F0 in Hz at a sample, interpolated between voiced frames; 0 where unvoiced."""
        frame, fraction = divmod(sample / HOP_SAMPLES, 1.0)
        i = int(frame) - self._first_frame
        before, after = self._f0_hz[i], self._f0_hz[i + 1]
        if before > 0 and after > 0:
            return before + (after - before) * fraction
        return before if fraction < 0.5 else after

    def forget_before(self, sample: float) -> None:
        frames = int(sample // HOP_SAMPLES) - self._first_frame
        if frames > 0:
            del self._f0_hz[:frames]
            self._first_frame += frames

    def _autocorrelation(self, windows: Float64) -> Float64:
        """[..., window] -> [..., lags]."""
        spectrum = fft.rfft(windows, self._fft_samples)
        power = spectrum.real**2 + spectrum.imag**2
        correlation: Float64 = fft.irfft(power, self._fft_samples)[..., : self._lags]
        return correlation
