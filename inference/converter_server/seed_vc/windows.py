"""Cuts a talker's stream into the windows that the steps see, and joins their results to one stream again.

As in the package's real-time interface, all lengths are in units of 20 ms, the content encoder's frame:

    |<------------- history ------------->|<- block ->|<- fade ->|<- search ->|<- right ->|  end of the window
                                          what is used of the vocoder's sound             never used
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import kaldi_native_fbank as kaldi
import numpy as np
import torch
from torch import Tensor

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.errors import TargetUnavailable
from inference.contract.resampling import Resampler
from inference.converter_server.seed_vc.weights import SPEAKER_DIMENSIONS, Weights, import_package

CONTENT_HZ: Final = 16_000
UNITS_PER_SEC: Final = 50
BLOCK: Final = 15  # 300 ms
HISTORY: Final = 125  # 2.5 s for the content encoder
CONTEXT: Final = 25  # of that, 0.5 s for the diffusion transformer
FADE: Final = 2
SEARCH: Final = 1
RIGHT: Final = 1
BEHIND: Final = 3  # The resampler to 16 kHz holds this much back, so the window ends before the newest sample.
WINDOW: Final = HISTORY + BLOCK + FADE + SEARCH + RIGHT
LATENCY: Final = FADE + SEARCH + RIGHT + BEHIND
CONTENT_UNIT_SAMPLES: Final = CONTENT_HZ // UNITS_PER_SEC
PROMPT_SEC: Final = 3.0  # taken from the reference; equal for all, so that targets differ only in the voice
LEAST_SEC: Final = 1.0
LEAST_LEVEL: Final = 1e-3  # root mean square


class History:
    """The newest speech of a talker, at the content encoder's rate."""

    def __init__(self, rate_hz: int) -> None:
        self._resampler = Resampler(rate_hz, CONTENT_HZ)
        self._kept = np.zeros((WINDOW + BEHIND + 1) * CONTENT_UNIT_SAMPLES, np.float32)
        self._samples = 0  # received so far, at CONTENT_HZ
        self._resampled = 0

    def window(self, block: Float32) -> Float32:
        """Takes float32 [one block]; returns float32 [WINDOW units at CONTENT_HZ].

        The window ends BEHIND units before the end of the block."""
        self._samples += BLOCK * CONTENT_UNIT_SAMPLES
        new = self._resampler.push(block)
        self._resampled += len(new)
        self._kept = np.concatenate([self._kept, new])[-(WINDOW + BEHIND + 1) * CONTENT_UNIT_SAMPLES :]
        surplus = self._resampled - (self._samples - BEHIND * CONTENT_UNIT_SAMPLES)
        if surplus < 0:
            raise RuntimeError("the resampler keeps back more than the window allows for")
        end = len(self._kept) - surplus
        return self._kept[end - WINDOW * CONTENT_UNIT_SAMPLES : end].copy()


class Joint:
    """Synchronised overlap-add: shifts each new stretch, by at most SEARCH, to where it best continues the last one."""

    def __init__(self, unit_samples: int) -> None:
        self._block = BLOCK * unit_samples
        self._fade = FADE * unit_samples
        self._search = SEARCH * unit_samples
        self._tail = np.zeros(self._fade, np.float32)
        self._rise = (np.sin(0.5 * np.pi * np.linspace(0, 1, self._fade)) ** 2).astype(np.float32)

    def join(self, stretch: Float32) -> Float32:
        """Takes float32 [BLOCK + FADE + SEARCH units]; returns float32 [one block]."""
        shift = self._best_shift(stretch[: self._fade + self._search])
        joined = stretch[shift : shift + self._block + self._fade].copy()
        joined[: self._fade] = joined[: self._fade] * self._rise + self._tail * (1 - self._rise)
        self._tail = joined[self._block :]
        return joined[: self._block]

    def _best_shift(self, head: Float32) -> int:
        """Returns the shift with the highest normalised correlation with the last tail; 0 if that was silent."""
        if not self._tail.any():
            return 0
        product = np.correlate(head, self._tail, "valid")
        energy = np.convolve(head**2, np.ones(self._fade, np.float32), "valid")
        return int(np.argmax(product / np.sqrt(energy + 1e-8)))


@dataclass(frozen=True, slots=True)
class Target:
    """An enrolled target: `style` [1, 192], `mel` [1, bands, frames], `condition` [1, frames, channels]."""

    style: Tensor
    mel: Tensor
    condition: Tensor


def enrol(weights: Weights, reference: Float32) -> Target:
    """Makes a target from a reference, float32 [n] at 24 kHz. Raises TargetUnavailable."""
    if len(reference) < LEAST_SEC * SAMPLE_RATE_HZ:
        raise TargetUnavailable(f"the reference is shorter than {LEAST_SEC:g} s")
    if np.sqrt(np.mean(reference**2)) < LEAST_LEVEL:
        raise TargetUnavailable("the reference is silent")
    wanted = int(PROMPT_SEC * SAMPLE_RATE_HZ)
    prompt = np.resize(reference, wanted) if len(reference) < wanted else reference[:wanted]
    with torch.inference_mode():
        wave_16k = _resampled(prompt, CONTENT_HZ)
        style = weights.speaker(fbank(wave_16k).to(weights.device))
        if style.shape != (1, SPEAKER_DIMENSIONS) or not torch.isfinite(style).all() or not style.any():
            raise TargetUnavailable("the speaker model makes nothing of the reference")
        mel = mel_of(weights, torch.from_numpy(_resampled(prompt, weights.mel.sample_rate_hz)).to(weights.device))
        content = content_of(weights, torch.from_numpy(wave_16k)[None])
        frames = torch.tensor([mel.size(2)], device=weights.device)
        condition = weights.regulator(content, ylens=frames, n_quantizers=3, f0=None)[0]
        return Target(style, mel, condition)


def fbank(wave_16k: Float32) -> Tensor:
    """Takes float32 [n] at 16 kHz; returns [1, frames, 80]: Kaldi's filter banks without dither, minus their mean over
    time, as CAM++ expects them."""
    options = kaldi.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = CONTENT_HZ
    options.mel_opts.num_bins = 80
    computer = kaldi.OnlineFbank(options)
    computer.accept_waveform(CONTENT_HZ, wave_16k.tolist())
    computer.input_finished()
    frames = np.stack([computer.get_frame(number) for number in range(computer.num_frames_ready)])
    return torch.from_numpy(frames - frames.mean(axis=0))[None]


def content_of(weights: Weights, waves_16k: Tensor) -> Tensor:
    """Takes [batch, samples]; returns [batch, frames of 20 ms, channels]: what is said, without the speaker."""
    inputs = weights.extractor(
        list(waves_16k.cpu().numpy()), return_tensors="pt", sampling_rate=CONTENT_HZ
    ).input_values.to(weights.device)
    content: Tensor = weights.content(inputs).last_hidden_state.float()
    return content


def mel_of(weights: Weights, wave: Tensor) -> Tensor:
    """Takes [samples] at the model's rate; returns [1, bands, frames]."""
    mel = weights.mel
    spectrogram: Tensor = import_package().audio.mel_spectrogram(
        wave[None],
        n_fft=mel.fft_samples,
        num_mels=mel.bands,
        sampling_rate=mel.sample_rate_hz,
        hop_size=mel.hop_samples,
        win_size=mel.window_samples,
        fmin=mel.low_hz,
        fmax=mel.high_hz,
    )
    return spectrogram


def _resampled(samples: Float32, to_hz: int) -> Float32:
    resampler = Resampler(SAMPLE_RATE_HZ, to_hz)
    return np.concatenate([resampler.push(samples), resampler.finish()]).astype(np.float32)
