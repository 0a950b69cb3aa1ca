"""What NVIDIA's own program does with prompts and a microphone, and what the package's own LMGen does, alone.

The first is written after moshi/moshi/models/lm.py of github.com/NVIDIA/personaplex (LMGen.prepare_step_input,
process_transformer_output, step_system_prompts) as a table of tokens by position: all 16 depth steps, and a model that
is stepped one call after its tokens came. The second is the package's class with prompts forced through its hooks.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from moshi.models import LMGen, loaders

from inference.contract.audio import Float32
from inference.engines.moshi.personaplex.checkpoint import load_lm
from inference.engines.moshi.personaplex.model import CHANNELS, CODEBOOKS, PERSONAPLEX_7B, prompt_steps, voice_steps
from inference.engines.moshi.personaplex.tiny import SAVED_VOICE
from inference.engines.moshi.personaplex.voices import _encode, _recording
from tests.inference.engines.moshi.personaplex.conftest import checkpoint_folder

Tokens = npt.NDArray[np.int64]
OWN = slice(0, 1 + CODEBOOKS)  # text and the agent's codebooks


@cache
def config() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((checkpoint_folder() / "config.json").read_text())
    return found


def lm_of_16_steps() -> Any:
    """As the package's own loader reads it, given the dimensions."""
    kwargs = {name: config().get(name, value) for name, value in PERSONAPLEX_7B.items()} | {"dep_q": 16}
    return loaders.get_moshi_lm(checkpoint_folder() / "model.safetensors", kwargs, dtype=torch.float32)


def new_mimi() -> Any:
    folder = checkpoint_folder()
    return loaders.get_mimi(
        folder / "mimi.safetensors", json.loads((folder / "mimi_config.json").read_text()), num_codebooks=CODEBOOKS
    )


def saved_voice() -> tuple[torch.Tensor, torch.Tensor]:
    saved = torch.load(checkpoint_folder() / "voices" / f"{SAVED_VOICE}.pt", weights_only=True)
    return saved["embeddings"], saved["cache"]


def recorded_voice(name: str) -> Tokens:
    """[T, CHANNELS], encoded by the package's Mimi."""
    return voice_steps(_encode(new_mimi(), _recording((checkpoint_folder() / "voices" / f"{name}.wav").read_bytes())))


class Original:
    """One session, greedy. `told` are tokens by (channel, position)."""

    def __init__(self) -> None:
        self.lm = lm_of_16_steps()
        self.call = 0
        self.tokens: dict[tuple[int, int], int] = {}
        self.initial = [self.lm.text_initial_token_id] + [self.lm.initial_token_id] * self.lm.n_q

    def step(self, told: dict[int, int], embedding: torch.Tensor | None = None) -> Tokens | None:
        """`told`: token by channel. What comes back, [1 + CODEBOOKS], is one position older than what was computed."""
        provided = {(channel, self.call + self.lm.delays[channel]): token for channel, token in told.items()}
        for channel, delay in enumerate(self.lm.delays):
            if self.call <= delay:
                provided[channel, self.call] = self.initial[channel]
        self.tokens |= provided
        call, self.call = self.call, self.call + 1
        if call == 0:
            return None
        channels = range(len(self.lm.delays))
        if embedding is None:
            read = torch.tensor([[[self.tokens[channel, call - 1]] for channel in channels]])
            out, text_logits = self.lm.forward_text(read)
        else:
            out = self.lm.out_norm(self.lm.transformer(embedding))
            text_logits = self.lm.text_linear(out)[:, None]
        token = self.tokens.setdefault((0, call), int(text_logits[0, 0, 0].argmax()))
        with self.lm.depformer.streaming(1):
            for codebook in range(self.lm.dep_q):
                logits = self.lm.forward_depformer(codebook, torch.tensor([[[token]]]), out)
                token = self.tokens.setdefault((1 + codebook, call), int(logits[0, 0, 0].argmax()))
        if call <= max(self.lm.delays):
            return None
        return np.array([self.tokens[channel, call - 1 + self.lm.delays[channel]] for channel in channels][OWN])

    def take_up(self, ring: torch.Tensor) -> None:
        """The ring of tokens that was saved with a voice prompt, as it was after as many calls."""
        self.tokens = {
            (channel, position): int(ring[0, channel, position % ring.shape[2]])
            for channel, delay in enumerate(self.lm.delays)
            for position in range(self.call - 1, self.call + delay)
        }


def original_session(voice: str, text: list[int], heard: Float32) -> tuple[Tokens, Float32]:
    """(tokens [n, 1 + CODEBOOKS], pcm [n, FRAME_SAMPLES]) from the first frame of the microphone on."""
    session, mimi = Original(), new_mimi()
    tokens, pcm = [], []
    with torch.no_grad(), session.lm.streaming(1), mimi.streaming(1):
        if voice == SAVED_VOICE:
            embeddings, ring = saved_voice()
            session.step(dict.fromkeys(range(CHANNELS), 0))
            for embedding in embeddings:
                session.step(dict.fromkeys(range(CHANNELS), 0), embedding)
            session.take_up(ring)
        steps = prompt_steps(recorded_voice(voice) if voice not in ("", SAVED_VOICE) else None, text)
        for step in steps:
            session.step(dict(enumerate(step.tolist())))
        for frame in heard:
            codes = mimi.encode(torch.from_numpy(frame)[None, None])[0, :, 0]
            said = session.step({1 + CODEBOOKS + place: int(code) for place, code in enumerate(codes)})
            assert said is not None
            tokens.append(said)
            pcm.append(mimi.decode(torch.from_numpy(said[1:])[None, :, None])[0, 0].numpy().copy())
    return np.stack(tokens), np.stack(pcm)


def forced_session(
    steps: Tokens, heard: Float32, *, seed: int | None = None, **sampling: Any
) -> tuple[Tokens, Float32]:
    """The same of the package's LMGen with 8 depth steps, told `steps` [N, CHANNELS] through its hooks and then hearing
    `heard`, whose first frame it does not listen to. `seed` counts from the model's first own tokens on."""
    lm = load_lm(checkpoint_folder() / "model.safetensors", config(), torch.device("cpu"), torch.float32)
    mimi = new_mimi()
    last = len(steps) - 1
    place = 0

    def force_text(token: torch.Tensor) -> None:
        if place < last:
            token.fill_(int(steps[place + 1, 0]))

    def force_audio(tokens: torch.Tensor) -> None:
        for codebook in range(CODEBOOKS):
            told = place + 1 - lm.delays[1 + codebook]
            if told <= last:
                tokens[:, codebook] = int(steps[told, 1 + codebook])

    gen = LMGen(lm, on_text_hook=force_text, on_audio_hook=force_audio, **sampling)
    tokens, pcm = [], []
    with torch.no_grad(), gen.streaming(1), mimi.streaming(1):
        for place in range(len(steps) + len(heard) - 1):
            if place == last and seed is not None:
                torch.manual_seed(seed)
            if place <= last:
                codes = torch.from_numpy(steps[place, 1 + CODEBOOKS :])[None, :, None]
            else:
                codes = mimi.encode(torch.from_numpy(heard[place - last])[None, None])
            said = gen.step(codes)
            if place >= last:
                assert said is not None
                tokens.append(said[0, :, 0].numpy().copy())
                pcm.append(mimi.decode(said[:, 1:])[0, 0].numpy().copy())
    return np.stack(tokens), np.stack(pcm)
