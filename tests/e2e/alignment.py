"""How well a recording holds what was played."""

from __future__ import annotations

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32


def lag_of(reference: Float32, recorded: Float32) -> int:
    """Samples by which `recorded` is later than `reference`."""
    size = len(reference) + len(recorded)
    correlation = np.fft.irfft(np.conj(np.fft.rfft(reference, size)) * np.fft.rfft(recorded, size), size)
    lag = int(np.argmax(np.abs(correlation)))
    return lag if lag < len(recorded) else lag - size


def snr_db(reference: Float32, recorded: Float32, lag: int, taps: int = 24) -> float:
    """Of `recorded` explained by a short filter of `reference`, which takes out gain and a fractional delay."""
    start, stop = max(0, lag) + taps, min(len(recorded), len(reference) + lag) - taps
    target = recorded[start:stop].astype(np.float64)
    shifted = [reference[start - lag + d : stop - lag + d] for d in range(-taps, taps + 1)]
    inputs = np.stack(shifted, axis=1).astype(np.float64)
    filter_taps, *_ = np.linalg.lstsq(inputs, target, rcond=None)
    error = target - inputs @ filter_taps
    return float(10 * np.log10(np.sum(target**2) / np.sum(error**2)))


def likeness(reference: Float32, window: Float32) -> float:
    """Of `window` with the stretch of `reference` that it fits best: the coefficient of correlation, 0 to 1."""
    size = len(reference) + len(window)
    products = np.fft.irfft(np.fft.rfft(reference, size) * np.conj(np.fft.rfft(window, size)), size)
    energy = np.cumsum(np.concatenate([[0.0], reference.astype(np.float64) ** 2]))
    stretches = energy[len(window) :] - energy[: -len(window)]  # of every stretch as long as the window
    norms = np.sqrt(stretches * np.sum(window.astype(np.float64) ** 2)) + 1e-9
    return float(np.max(np.abs(products[: len(norms)]) / norms))


def window_lags(reference: Float32, recorded: Float32, lag: int) -> set[int]:
    """Lag of every second of sound: more than one means that something slipped."""
    lags = set()
    for start in range(0, len(reference) - SAMPLE_RATE_HZ, SAMPLE_RATE_HZ):
        second = reference[start : start + SAMPLE_RATE_HZ]
        low, high = start + lag - 2_400, start + lag + SAMPLE_RATE_HZ + 2_400
        if low >= 0 and high <= len(recorded) and np.sqrt(np.mean(second**2)) > 0.01:
            lags.add(lag_of(second, recorded[low:high]) - 2_400)
    return lags
