"""The package's own way with one conversation, and microphones to hold it with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from moshi.models import LMGen, loaders
from moshi.run_inference import get_condition_tensors

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from tests.moshi_checkpoint import tiny_checkpoint

torch.set_num_threads(1)


@dataclass(frozen=True)
class Said:
    """Frame by frame, from the second one on: tokens [n, 1 + codebooks], pcm [n, FRAME_SAMPLES]."""

    tokens: npt.NDArray[np.int64]
    pcm: Float32


@cache
def checkpoint() -> Any:
    return loaders.CheckpointInfo.from_hf_repo("local/tiny", config_path=tiny_checkpoint() / "config.json")


def stock_session(
    frames: npt.NDArray[np.float32],
    *,
    info: Any = None,
    seed: int | None = None,
    dtype: torch.dtype = torch.float32,
    **sampling: Any,
) -> Said:
    """`frames` [n, FRAME_SAMPLES] through what `moshi.server` does with them, alone. `info` is the package's own
    CheckpointInfo, of the tiny Moshi if not given; `sampling` is LMGen's."""
    info = info or checkpoint()
    mimi, model = info.get_mimi(), info.get_moshi(dtype=dtype, fuse_lora=True)
    lm = LMGen(model, condition_tensors=get_condition_tensors(info.model_type, model, 1, 1.0), **sampling)
    tokens, pcm = [], []
    with torch.no_grad(), mimi.streaming(1), lm.streaming(1):
        if seed is not None:
            torch.manual_seed(seed)
        for index, frame in enumerate(frames):
            codes = mimi.encode(torch.from_numpy(frame)[None, None])
            if index == 0:
                mimi.reset_streaming()
            step = lm.step(codes)
            if step is not None:
                tokens.append(step[0, :, 0].numpy().copy())
                pcm.append(mimi.decode(step[:, 1:])[0, 0].numpy().copy())
    return Said(np.stack(tokens), np.stack(pcm))


def microphone(seed: int, steps: int) -> Float32:
    """Something like speech, [steps, FRAME_SAMPLES]: a gliding tone, now louder and now softer, with noise."""
    random = np.random.default_rng(seed)
    seconds = np.arange(steps * FRAME_SAMPLES) / SAMPLE_RATE_HZ
    glide = 2 * np.pi * random.uniform(100, 800) * seconds + 3 * np.sin(2 * np.pi * random.uniform(0.5, 3) * seconds)
    loudness = 0.55 + 0.45 * np.sign(np.sin(2 * np.pi * random.uniform(0.3, 1) * seconds))
    sound = 0.4 * loudness * np.sin(glide) + 0.05 * random.standard_normal(seconds.shape)
    frames: Float32 = sound.astype(np.float32).reshape(steps, FRAME_SAMPLES)
    return frames
