"""The settings and the state of a stream, two records of fixed size, and how the parts of the chain are compiled.

The whole chain is therefore one compiled call, and resetting a stream means writing one record again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from inference.contract.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES
from inference.contract.latency import (
    LAG_FRAMES,
    LOOKAHEAD_SAMPLES,
    PERIODS_PER_WINDOW,
    half_window_samples,
    transform_latency_samples,
)

Float64 = npt.NDArray[np.float64]
Record = npt.NDArray[np.void]  # [1]

BLOCK_SAMPLES: Final = UPLINK_SAMPLES  # All decisions are made once per block.
LOWEST_FLOOR_HZ: Final = 60.0
LONGEST_PERIOD_SAMPLES: Final = int(SAMPLE_RATE_HZ / LOWEST_FLOOR_HZ)

# pitch
CANDIDATES: Final = 6
FRAMES_KEPT: Final = 64
BIN_CENTS: Final = 2
LOWEST_BIN_HZ: Final = 50.0
BINS: Final = 1_200 * 4 // BIN_CENTS  # four octaves

# grains
TAPS: Final = 16  # of the windowed sinc
PHASES: Final = 1_024
MARKS_KEPT: Final = 128
HISTORY_SAMPLES: Final = 4_096
LONGEST_GRAIN_SAMPLES: Final = 2_048

SETTINGS: Final = np.dtype(
    [
        ("half_window", np.int64),
        ("floor_hz", np.float64),
        ("delay_samples", np.int64),  # of the overlap-add, before the limiter
        ("f0_ratio", np.float64),
        ("f0_target_hz", np.float64),  # 0: none
        ("f0_range", np.float64),
        ("f0_ref_hz", np.float64),  # 0: none
        ("formant_ratio", np.float64),
        ("breathiness", np.float64),
        ("window", np.float32, (PERIODS_PER_WINDOW * LONGEST_PERIOD_SAMPLES,)),
        ("window_correlation", np.float32, (LONGEST_PERIOD_SAMPLES + 8,)),
        ("kernels", np.float32, (PHASES, TAPS)),
    ],
    align=True,
)

STATE: Final = np.dtype(
    [
        ("received", np.int64),  # samples
        ("signal", np.float32, (HISTORY_SAMPLES,)),  # the last samples
        # pitch
        ("analysed", np.int64),  # frames
        ("loudest", np.float64),
        ("states", np.int64, (LAG_FRAMES + 1,)),
        ("frequencies", np.float64, (LAG_FRAMES + 1, CANDIDATES + 1)),
        ("origins", np.int64, (LAG_FRAMES + 1, CANDIDATES + 1)),
        ("scores", np.float64, (CANDIDATES + 1,)),
        ("f0_hz", np.float64, (FRAMES_KEPT,)),  # frame i at i % FRAMES_KEPT; 0: unvoiced
        # intonation
        ("heard_sec", np.float32, (BINS,)),  # by log F0
        ("heard_in_all_sec", np.float64),
        ("above_sec", np.float64),  # time of the output above its target, less the time below it
        # marks
        ("placed", np.int64),
        ("due", np.float64),  # approximate sample of the next mark
        ("mark_sample", np.float64, (MARKS_KEPT,)),  # mark i at i % MARKS_KEPT
        ("mark_period", np.float64, (MARKS_KEPT,)),
        ("mark_step", np.float64, (MARKS_KEPT,)),  # distance to the next grain of the output
        ("mark_voiced", np.int64, (MARKS_KEPT,)),
        # grains
        ("before", np.int64),  # the last mark before the next grain
        ("last_mark", np.int64),
        ("last_grain", np.float64),  # its position in the output
        ("random", np.uint64),
        ("done", np.int64),  # finished samples of the output
        ("grains", np.float32, (HISTORY_SAMPLES,)),  # the sum of the grains from `done` on
        ("weight", np.float32, (HISTORY_SAMPLES,)),
        # level
        ("gain", np.float64),
        ("energy_in", np.float64),
        ("energy_out", np.float64),
        # limiter
        ("unlimited", np.float32, (LOOKAHEAD_SAMPLES,)),
        ("held", np.float32, (LOOKAHEAD_SAMPLES,)),
    ],
    align=True,
)
F = TypeVar("F", bound=Callable[..., object])
# Sums may be reordered, so that they run eight at a time. The compiler must not assume that numbers are finite.
_OPTIONS: Final = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}


def settings_of(in_force: Mapping[str, Any]) -> Record:
    """Returns a record [1] of SETTINGS, from every parameter of the "transform" converter."""
    settings = np.zeros(1, SETTINGS)
    floor_hz = in_force["floor_hz"]
    for name in ("floor_hz", "f0_ratio", "f0_target_hz", "f0_range", "f0_ref_hz", "formant_ratio", "breathiness"):
        settings[name] = in_force[name] or 0.0
    half_window = half_window_samples(floor_hz)
    window, correlation = _window(half_window)
    settings["half_window"] = half_window
    settings["delay_samples"] = transform_latency_samples(floor_hz) - LOOKAHEAD_SAMPLES
    settings["window"][0, : len(window)] = window
    lags = min(len(correlation), SETTINGS["window_correlation"].shape[0])
    settings["window_correlation"][0, :lags] = correlation[:lags]
    settings["kernels"][0] = _sinc_kernels(min(1.0, 1 / in_force["formant_ratio"]))
    return settings


def state_after_open(settings: Record, seed: int) -> Record:
    """Returns a record [1] of STATE: nothing has been heard yet, and silence comes before."""
    state = np.zeros(1, STATE)
    state["states"] = 1
    state["last_mark"] = -1
    state["gain"] = 1.0
    state["energy_in"] = state["energy_out"] = 1e-6
    state["done"] = -settings["delay_samples"]
    state["held"] = 1.0
    state["random"] = np.random.PCG64(seed).random_raw() | 1  # It must not be 0.
    return state


@lru_cache
def _window(half_window: int) -> tuple[Float64, Float64]:
    """Returns a Hann window [2 * half_window] and its normalised autocorrelation."""
    window = np.hanning(2 * half_window + 2)[1:-1]
    correlation = np.correlate(window, window, "full")[len(window) - 1 :]
    return window, correlation / correlation[0]


@lru_cache
def _sinc_kernels(cutoff: float) -> Float64:
    """Returns [PHASES, TAPS]: row p reads at p / PHASES after tap TAPS / 2 - 1. `cutoff` is relative to Nyquist."""
    taps = np.arange(TAPS) - (TAPS // 2 - 1)
    distance = np.arange(PHASES)[:, None] / PHASES - taps[None]
    kernels: Float64 = cutoff * np.sinc(cutoff * distance)
    return kernels * (0.5 + 0.5 * np.cos(np.pi * np.clip(2 * distance / TAPS, -1, 1)))


def compiled(function: F) -> F:
    """Compiles a part of the chain into its callers; the Python original is its `py_func`.

    The chain is machine code because a worker converts many voices on one thread and time is scarce there."""
    return cast("F", njit(**_OPTIONS)(function))


def compiled_and_kept(function: F) -> F:
    """Compiles the whole chain and caches it on disk where a folder is writable, so that the next start is quick.

    To see whether its cache is out of date, numba looks only at the file of the function. `function` must therefore be
    a closure over `fingerprint`, which changes with any file of the chain and is part of numba's key."""
    try:
        return cast("F", njit(cache=True, **_OPTIONS)(function))
    except RuntimeError:  # There is nowhere to cache it.
        return compiled(function)


def fingerprint() -> str:
    """Returns the SHA-256 over the source of every part of the chain."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
