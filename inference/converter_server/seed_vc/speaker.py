"""Describes the target by a speaker embedding and a stretch of speech, as mel and content, that the model continues."""

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
PROMPT_SEC: Final = 3.0  # of the reference; it is the same for all, so that targets differ only in the voice
LEAST_SEC: Final = 1.0
LEAST_LEVEL: Final = 1e-3  # root mean square


@dataclass(frozen=True, slots=True)
class Target:
    """`style` [1, 192]; `mel` [1, bands, frames]; `condition` [1, frames, channels]."""

    style: Tensor
    mel: Tensor
    condition: Tensor


def enrol(weights: Weights, reference: Float32) -> Target:
    """Learns a target from float32 [n] at 24 kHz. Raises TargetUnavailable."""
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
    """float32 [n] -> [1, frames, 80]: Kaldi's filter banks without dither, minus their mean, as CAM++ expects them."""
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
    """[batch, samples] -> [batch, frames of 20 ms, channels]: what is said, without the identity of the speaker."""
    inputs = weights.extractor(
        list(waves_16k.cpu().numpy()), return_tensors="pt", sampling_rate=CONTENT_HZ
    ).input_values.to(weights.device)
    content: Tensor = weights.content(inputs).last_hidden_state.float()
    return content


def mel_of(weights: Weights, wave: Tensor) -> Tensor:
    """[samples] at the model's rate -> [1, bands, frames]"""
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
