"""The transformation written down plainly in numpy, one line of the method after the other, with no thought of speed:
what the compiled chain is held against. Breathiness, which is random, is left out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from inference.contract.audio import Float32
from inference.contract.latency import half_window_samples, transform_latency_samples
from tests.signals import Float64

RATE_HZ, HOP, LAG, BLOCK, LOOKAHEAD = 24_000, 120, 2, 480, 40
CEILING = 1 - 1 / 32_768


@dataclass(frozen=True, slots=True)
class Mark:
    sample: float
    period: float
    step: float
    voiced: bool


def transformed(samples: Float32, f0_ratio: float = 1.0, formant_ratio: float = 1.0, floor_hz: float = 60.0) -> Float64:
    """float [n] -> float [n], n a multiple of BLOCK."""
    half, delay = half_window_samples(floor_hz), transform_latency_samples(floor_hz) - LOOKAHEAD
    before = 4_096  # samples of silence ahead, so that indices stay positive
    signal = np.concatenate([np.zeros(before), samples.astype(np.float64)])
    f0_hz = decided_f0_hz(signal, before, half, floor_hz)
    marks = find_marks(signal, before, f0_hz, half, f0_ratio)
    sums, weights = np.zeros(len(samples) + 8_192), np.zeros(len(samples) + 8_192)  # from output sample -delay on
    i, last, last_grain = 0, None, 0.0
    for received in range(BLOCK, len(samples) + 1, BLOCK):
        done, known = received - BLOCK - delay, received - half - LAG * HOP
        placed = [mark for due, mark in marks if due < known]
        while i < len(placed):
            centre = last_grain if last is None else last_grain + step_from(placed, last)
            while i + 1 < len(placed) and placed[i + 1].sample <= centre:
                i += 1
            after = placed[i + 1].sample if i + 1 < len(placed) else placed[i].sample + placed[i].period
            chosen = i if centre - placed[i].sample <= after - centre else i + 1
            if chosen == len(placed):
                break
            mark = placed[chosen]
            if mark.voiced and (last is None or not placed[last].voiced):
                centre = mark.sample
            width = min(mark.period / formant_ratio, mark.step / min(formant_ratio, 1)) if mark.voiced else mark.period
            ahead = width * formant_ratio + 9
            if centre - width >= done + BLOCK or mark.sample + ahead > received:
                break
            last, last_grain = chosen, centre
            width = max(min(width, centre - done), 1.0)
            place = np.arange(max(math.ceil(centre - width), done), math.floor(centre + width) + 1)
            window = 0.5 + 0.5 * np.cos(np.pi * (place - centre) / width)
            grain = interpolated(signal, before + mark.sample + (place - centre) * formant_ratio, formant_ratio)
            beside = chosen + 1 if centre > mark.sample else chosen - 1
            if mark.voiced and 0 <= beside < len(placed) and placed[beside].voiced:
                other = placed[beside]
                share = (centre - mark.sample) / (other.sample - mark.sample)
                if 0 < share < 1 and other.sample + ahead <= received:
                    read = interpolated(signal, before + other.sample + (place - centre) * formant_ratio, formant_ratio)
                    grain = (1 - share) * grain + share * read
            sums[place + delay] += grain * window
            weights[place + delay] += window
    output = (sums / np.maximum(weights, 0.6))[: len(samples)]
    return limited(followed(signal[before - delay :][: len(samples)], output))


def step_from(placed: list[Mark], i: int) -> float:
    mark = placed[i]
    if mark.voiced and i + 1 < len(placed) and placed[i + 1].voiced:
        return mark.step * (placed[i + 1].sample - mark.sample) / mark.period
    return mark.step


def decided_f0_hz(signal: Float64, before: int, half: int, floor_hz: float) -> list[float]:
    """Of frame i, whose middle is sample i * HOP - half."""
    window = np.hanning(2 * half + 2)[1:-1]
    correlation = np.correlate(window, window, "full")[len(window) - 1 :]
    loudest, decided, undecided = 0.05, [], []
    frequencies, scores = np.zeros(1), np.zeros(1)
    for end in range(before, len(signal) + 1, HOP):
        frame = signal[end - 2 * half : end] - signal[end - 2 * half : end].mean()
        reach = RATE_HZ / floor_hz / 2
        loudness = np.abs(frame[int(half - reach) : int(half + reach)]).max()
        loudest = max(loudness, loudest * 0.5 ** (HOP / RATE_HZ / 30), 0.05)
        unvoiced = 0.45 + max(0.0, 2 - loudness / loudest * 1.45 / 0.03)
        like = np.correlate(frame * window, frame * window, "full")[len(frame) - 1 :]
        now, strengths = candidates(like / (like[0] + 1e-12) / (correlation / correlation[0]), floor_hz)
        now, strengths = np.append(0.0, now), np.append(unvoiced, strengths)
        change = np.array([[cost(old, new) for old in frequencies] for new in now])
        paths = scores[None] - change
        undecided.append((now, paths.argmax(1)))
        scores = strengths + paths.max(1)
        scores -= scores.max()
        frequencies = now
        if len(undecided) > LAG:
            state = int(scores.argmax())
            for _, origin in undecided[:0:-1]:
                state = int(origin[state])
            decided.append(float(undecided.pop(0)[0][state]))
    return decided


def candidates(like: Float64, floor_hz: float) -> tuple[Float64, Float64]:
    lags = np.arange(47, math.ceil(RATE_HZ / floor_hz) + 3)
    left, mid, right = like[lags - 1], like[lags], like[lags + 1]
    peaks = (mid > left) & (mid >= right) & (mid > 0.225)
    left, mid, right, lags = left[peaks], mid[peaks], right[peaks], lags[peaks]
    offset = 0.5 * (left - right) / (left - 2 * mid + right)
    frequency = RATE_HZ / (lags + offset)
    strength = mid - 0.25 * (left - right) * offset
    strength = np.minimum(strength, 1 / strength) - 0.01 * np.log2(floor_hz / frequency)
    inside = np.flatnonzero((frequency >= floor_hz) & (frequency <= 500))
    best = inside[np.argsort(-strength[inside], kind="stable")[:6]]
    return frequency[best], strength[best]


def cost(old_hz: float, new_hz: float) -> float:
    if old_hz > 0 and new_hz > 0:
        return 0.7 * abs(math.log2(new_hz / old_hz))
    return 0.28 if old_hz > 0 or new_hz > 0 else 0.0


def find_marks(
    signal: Float64, before: int, f0_hz: list[float], half: int, f0_ratio: float
) -> list[tuple[float, Mark]]:
    """With where each was due."""
    marks: list[tuple[float, Mark]] = []
    due = 0.0
    while (due + half) / HOP + 1 < len(f0_hz):
        frame, fraction = divmod((due + half) / HOP, 1.0)
        old, new = f0_hz[int(frame)], f0_hz[int(frame) + 1]
        f0 = old + (new - old) * fraction if old > 0 and new > 0 else (old if fraction < 0.5 else new)
        period, step, sample = 120.0, 120.0, due
        if f0 > 0:
            period, step = RATE_HZ / f0, RATE_HZ / min(max(f0 * f0_ratio, 40), 700)
            if marks and marks[-1][1].voiced:
                sample = next_period(signal, before, marks[-1][1].sample, period)
            else:
                sample = int(due) + float(np.abs(signal[before + int(due) :][: int(period) + 1]).argmax())
        marks.append((due, Mark(sample, period, step, f0 > 0)))
        due = sample + period
    return marks


def next_period(signal: Float64, before: int, last: float, period: float) -> float:
    half, reach = int(period / 2), max(1, int(0.2 * period))
    previous, centre = round(last), round(last + period)
    template = signal[before + previous - half : before + previous + half + 1]
    searched = signal[before + centre - reach - half : before + centre + reach + half + 1]
    energy = np.convolve(searched**2, np.ones(len(template)), "valid")
    alike = np.correlate(searched, template, "valid") / np.sqrt(energy * np.dot(template, template) + 1e-9)
    alike -= 0.05 / period * np.abs(np.arange(-reach, reach + 1))
    best = int(alike.argmax())
    offset = 0.0
    if 0 < best < len(alike) - 1:
        left, mid, right = alike[best - 1 : best + 2]
        offset = 0.5 * (left - right) / (left - 2 * mid + right)
    return centre - reach + best + offset + last - previous


def interpolated(signal: Float64, positions: npt.NDArray[Any], speed: float) -> Float64:
    """16 taps of a windowed sinc, below the Nyquist frequency of what is read."""
    whole = np.floor(positions).astype(int)
    cutoff, taps = min(1.0, 1 / speed), np.arange(-7, 9)
    distance = (positions - whole)[:, None] - taps[None]
    kernels = cutoff * np.sinc(cutoff * distance) * (0.5 + 0.5 * np.cos(np.pi * np.clip(distance / 8, -1, 1)))
    return np.asarray((signal[whole[:, None] + taps] * kernels).sum(1))


def followed(reference: Float64, output: Float64) -> Float64:
    keep, gain, energies, parts = math.exp(-HOP / RATE_HZ / 0.06), 1.0, np.full(2, 1e-6), []
    for start in range(0, len(output), HOP):
        pair = reference[start : start + HOP], output[start : start + HOP]
        energies = keep * energies + (1 - keep) * np.array([np.dot(x, x) for x in pair])
        wanted = min(max(math.sqrt((energies[0] + 1e-6) / (energies[1] + 1e-6)), 0.5), 2.0)
        parts.append(pair[1] * (gain + (wanted - gain) * np.arange(1, HOP + 1) / HOP))
        gain = wanted
    return np.concatenate(parts)


def limited(samples: Float64) -> Float64:
    ahead = np.concatenate([np.zeros(2 * LOOKAHEAD), samples])
    needed = CEILING / np.maximum(np.abs(sliding_window_view(ahead, LOOKAHEAD + 1)).max(1), CEILING)
    held, release = np.ones(len(needed)), 1 - math.exp(-1 / RATE_HZ / 0.05)
    for i in range(1, len(needed)):
        let_go = held[i - 1] + (1 - held[i - 1]) * release
        held[i] = min(1.0 if let_go > 1 - 1e-4 else let_go, needed[i])
    gain = sliding_window_view(held, LOOKAHEAD + 1).mean(1)
    return np.asarray(np.clip(ahead[LOOKAHEAD:-LOOKAHEAD] * gain, -CEILING, CEILING))
