"""Makes the steps by which PersonaPlex learns its persona (pure).

PersonaPlex (nvidia/personaplex-7b-v1) is Moshi 7B, trained to adopt a persona from forced steps before a conversation
begins. In every such step its own text and voice are forced, and it hears a tone:

    voice prompt      text: pause            voice: the example to speak like
    half a second     text: pause            voice: silence
    text prompt       text: one token each   voice: silence        "<system> You are … <system>"
    half a second     text: pause            voice: silence

Tokens, order and durations are those of NVIDIA's own program (moshi/moshi/models/lm.py and server.py in
github.com/NVIDIA/personaplex). That program steps its model one step later than the `moshi` package does; the tokens
are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from inference.engines.moshi.memory import MOSHI_7B

Tokens = npt.NDArray[np.int64]

CODEBOOKS: Final = 8  # of Mimi, for the agent and for the participant
CHANNELS: Final = 1 + 2 * CODEBOOKS  # text, the agent's codebooks, the participant's
PAUSE: Final = 3  # the text token of a step without words
SILENCE: Final = (948, 243, 1178, 546, 1736, 1030, 1978, 2008)  # Mimi's codes of silence
TONE: Final = (430, 1268, 381, 1611, 1095, 1495, 56, 472)  # and of 440 Hz, for an absent participant
SPACER_STEPS: Final = 6  # half a second, rounded down
UNKNOWN: Final = 0  # a token that no step reads
TAG: Final = "<system>"

# Its config.json has only the model's type.
PERSONAPLEX_7B: Final[Mapping[str, Any]] = {
    **MOSHI_7B,
    "existing_text_padding_id": PAUSE,
    "causal": True,
    "layer_scale": None,
    "max_period": 10000,
    "norm": "rms_norm_f32",
    "positional_embedding": "rope",
    "depformer_num_heads": 16,
    "depformer_layer_scale": None,
    "depformer_context": 8,
    "depformer_max_period": 10000,
    "depformer_gating": "silu",
    "depformer_pos_emb": "none",
    "delays": [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1],
}
MODEL_TYPE: Final = "personaplex"


def tagged(text: str) -> str:
    """Returns the text prompt with the tags that the model expects; tags that are already there are kept."""
    text = text.strip()
    return text if text.startswith(TAG) and text.endswith(TAG) else f"{TAG} {text} {TAG}"


def prompt_steps(voice: Tokens | None, text: Sequence[int]) -> Tokens:
    """Returns [N, CHANNELS]: the tokens of text, agent and participant in every step of the prompts.

    `voice` [T, CHANNELS] are the steps of the voice prompt; `text` are the tokens of the tagged text prompt, which may
    be empty."""
    spacer = _steps([PAUSE] * SPACER_STEPS, SILENCE)
    return np.concatenate([*([] if voice is None else [voice]), spacer, _steps(text, SILENCE), spacer])


def voice_steps(codes: Tokens) -> Tokens:
    """Takes the codes [T, CODEBOOKS] of a voice prompt; returns its steps [T, CHANNELS]."""
    steps = _steps([PAUSE] * len(codes), SILENCE)
    steps[:, 1 : 1 + CODEBOOKS] = codes
    return steps


def voice_steps_of_cache(cache: Tokens, steps: int, delays: Sequence[int]) -> Tokens:
    """Returns the steps [steps, CHANNELS] of a saved voice prompt.

    A saved prompt has its steps as embeddings, which the model takes as they are, and only the last of their tokens:
    `cache` [CHANNELS, max(delays) + 3] is the ring of tokens after `steps` steps. Tokens that it lacks are UNKNOWN;
    nothing reads them."""
    told = np.full((steps, CHANNELS), UNKNOWN, np.int64)
    for channel, delay in enumerate(delays):
        for position in range(steps - 1, steps + delay):
            if position - delay >= 0:
                told[position - delay, channel] = cache[channel, position % cache.shape[1]]
    return told


def model_inputs(steps: Tokens, delays: Sequence[int], initial: Sequence[int]) -> Tokens:
    """Returns [N, CHANNELS]: the tokens that the model reads in each of its first N steps.

    In each channel the tokens of the prompts come `delays` later and, as in the package, the channel's `initial` token
    comes before them."""
    inputs = np.empty_like(steps)
    for channel, delay in enumerate(delays):
        inputs[: delay + 1, channel] = initial[channel]
        inputs[delay + 1 :, channel] = steps[1 : len(steps) - delay, channel]
    return inputs


def forced_after(steps: Tokens, delays: Sequence[int], free: int) -> Tokens:
    """Returns [CODEBOOKS]: the agent's next tokens that the last step of the prompts still determines.

    These come later than the step's text does. The others are `free`; they are the first that the model makes itself.
    """
    last = steps[-1, 1 : 1 + CODEBOOKS]
    late = np.asarray(delays[1 : 1 + CODEBOOKS]) > 0
    return np.where(late, last, free)


def _steps(text: Sequence[int], agent: Sequence[int]) -> Tokens:
    steps = np.empty((len(text), CHANNELS), np.int64)
    steps[:, 0] = text
    steps[:, 1 : 1 + CODEBOOKS] = agent
    steps[:, 1 + CODEBOOKS :] = TONE
    return steps
