"""Runs N independent conversations, each at its own step, as the rows of one batch.

It is correct on the unpatched package for these reasons:

 1. A row without a frame is masked: its state does not change, whatever is computed in its place.
 2. Encoder, language model and decoder have separate masks. The encoder does not run on a row's first frame. (The
    package's server encodes it, resets Mimi and lets the language model ignore it, which has the same effect.) The
    decoder runs once the tokens of all codebooks, some of them delayed, have arrived.
 3. A row without tokens returns -2, for which there is no embedding: it decodes 0, and the result is ignored.
 4. The package's own reset hides what a row remembers but leaves it in memory, where a NaN would still ruin the next
    conversation. `wipe` restores every tensor of a row to its initial value.
 5. All states share one mask, so that setting it is one copy instead of hundreds.
 6. A call has one frame: a masked call overwrites only the ring entry that the row's next frame will fill.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from moshi.modules.streaming import StreamingModule
from safetensors import SafetensorError
from safetensors.torch import load, save

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import SlotNotMovable
from inference.contract.options.moshi import Sampling
from inference.engines.moshi.language_model import FREE, RowLMGen
from inference.engines.moshi.sampling import RowSampler, Staging

Tokens = npt.NDArray[np.int64]

MAX_LATENT: Final = 1e4  # Mimi's latents are of the order of 10
SHARED: Final = frozenset({"exec_mask", "initial", "condition_sum", "condition_cross", "k_cross", "v_cross"})
FORMAT: Final = "hearmeout.moshi.1"
HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Stepped:
    """The result of a step for one row.

    `tokens` are int64 [1 + codebooks], text first, and `pcm` is float32 [FRAME_SAMPLES]; both are None while the row
    warms up. `healthy` says that all of the models' values were finite."""

    tokens: Tokens | None
    pcm: Float32 | None
    healthy: bool


class Batch:
    """The rows of one model. `mimi` and `lm` are the package's; this batch owns their streaming states from now on."""

    def __init__(self, mimi: Any, lm: Any, rows: int, condition_tensors: Any = None) -> None:
        self.rows = rows
        self.device = lm.device
        self._mimi = mimi
        self._heard_codebooks = lm.num_codebooks - lm.dep_q - 1
        self._sampler = RowSampler(rows, lm.dep_q, lm.card, lm.text_linear.out_features, self.device)
        with torch.no_grad():
            self._lm = RowLMGen(lm, self._sampler, rows, condition_tensors)
            self._lm.streaming_forever(rows)
            mimi.streaming_forever(rows)
        self._pcm = Staging((rows, 1, FRAME_SAMPLES), torch.float32, self.device)
        self._masks = Staging((3, rows), torch.bool, self.device)  # encoder, language model, decoder
        encoder, language_model, decoder = self._masks.device
        _share_mask(encoder, mimi.encoder, mimi.encoder_transformer, getattr(mimi, "downsample", None))
        _share_mask(language_model, self._lm)
        _share_mask(decoder, mimi.decoder, mimi.decoder_transformer, getattr(mimi, "upsample", None))
        self._frames = [0] * rows  # frames heard
        self._offsets = [0] * rows  # steps of the language model, including those of its prompts
        self._told: dict[int, torch.Tensor] = {}
        self._blank = {name: tensor.select(dim, 0).clone() for name, tensor, dim in self._states() if dim == 0}

    def start(self, row: int, sampling: Sampling, seed: int) -> None:
        """Begins a conversation in a clean row, which is new or was wiped."""
        self._sampler.configure(row, sampling, seed)

    def wipe(self, row: int) -> None:
        """Removes everything of a conversation from the row, on the device and on the host."""
        with torch.no_grad():
            for name, tensor, dim in self._states():
                if dim == 0:
                    tensor[row] = self._blank[name]
                else:
                    tensor[:, row].zero_()
        self._sampler.clear(row)
        self._pcm.array[row] = 0.0
        self._pcm.send()
        self._lm.forced[row] = FREE
        self._told.pop(row, None)
        self._frames[row] = self._offsets[row] = 0

    def place(self, row: int, step: int, tokens: Tokens) -> None:
        """Puts the row's language model after `step` steps that were computed elsewhere.

        In its next step it reads `tokens`, int64 [1 + codebooks of both sides], as they come after their delays."""
        state = self._lm._streaming_state
        state.cache[row, :, step % state.cache.shape[2]] = torch.from_numpy(tokens).to(self.device)
        state.offsets[row] = step
        self._offsets[row] = step

    def tell(self, row: int, heard: Tokens, spoken: Tokens) -> None:
        """Forces the row's next step, whatever its frame sounds like.

        The row hears the codes `heard`, int64 [codebooks of the participant], and makes the tokens `spoken`, int64
        [1 + codebooks], text first; FREE leaves a token to the model."""
        self._told[row] = torch.from_numpy(heard).to(self.device)
        self._lm.forced[row] = torch.from_numpy(spoken).to(self.device)

    def step(self, frames: Mapping[int, Float32]) -> dict[int, Stepped]:
        """Steps the rows in `frames`, float32 [FRAME_SAMPLES] each, by 80 ms, all at once."""
        if not frames:
            return {}
        masks = self._masks.array
        masks[:] = False
        for row, frame in frames.items():
            self._pcm.array[row, 0] = frame
            masks[0, row] = self._frames[row] > 0
            masks[1, row] = True
            masks[2, row] = self._offsets[row] >= self._lm.max_delay
            self._frames[row] += 1
            self._offsets[row] += 1
        decoding = masks[2].copy()
        self._masks.send()
        self._pcm.send()
        self._sampler.draw(frames)
        with torch.no_grad():
            latent = self._mimi.encode_to_latent(self._pcm.device, quantize=False)  # [B, D, 1]
            tokens = self._step_lm(frames, self._mimi.quantizer.encode(latent))
            healthy = self._lm.healthy() & (latent.abs() < MAX_LATENT).all(dim=2).all(dim=1)
            if decoding.any():
                pcm = self._mimi.decode(tokens[:, 1:].clamp(min=0))[:, 0].float().cpu().numpy()
            all_tokens, all_healthy = tokens[:, :, 0].cpu().numpy(), healthy.cpu().numpy()
        return {
            row: Stepped(all_tokens[row].copy(), pcm[row].copy(), bool(all_healthy[row]))
            if decoding[row]
            else Stepped(None, None, bool(all_healthy[row]))
            for row in frames
        }

    def _step_lm(self, rows: Collection[int], codes: torch.Tensor) -> torch.Tensor:
        """Takes codes [B, codebooks, 1]; returns tokens [B, 1 + codebooks, 1]."""
        told = [row for row in rows if row in self._told]
        for row in told:
            codes[row, : self._heard_codebooks, 0] = self._told.pop(row)
        self._lm.forcing = bool(told)
        tokens: torch.Tensor = self._lm.step(codes)
        if told:
            self._lm.forced[told] = FREE
        return tokens

    def warm_up(self, steps: int = 5) -> bool:
        """Makes the first calls, with their allocations and CUDA graphs. Returns whether all rows were healthy.

        All rows are clean afterwards."""
        silence = np.zeros(FRAME_SAMPLES, np.float32)
        stepped = [made for _ in range(steps) for made in self.step(dict.fromkeys(range(self.rows), silence)).values()]
        for row in range(self.rows):
            self.wipe(row)
        return all(made.healthy for made in stepped)

    def state(self, row: int) -> dict[str, torch.Tensor]:
        """Returns a copy of a conversation's whole state, on the CPU. Of a KV cache it has only the part in use."""
        states = {}
        filled = {name: int(tensor[row]) for name, tensor, _ in self._states() if name.endswith(".kv_end")}
        for name, tensor, dim in self._states():
            part = tensor.select(dim, row)
            if dim == 1:  # [2, heads, capacity, D]
                part = part[:, :, : filled[f"{name}_end"]]
            states[name] = part.detach().to("cpu", copy=True).contiguous()
        states["steps"] = torch.tensor([self._frames[row], self._offsets[row]])
        heard = self._told.get(row, torch.full((self._heard_codebooks,), FREE))
        states["told"] = torch.cat([heard.cpu(), self._lm.forced[row].cpu()])
        states["generator"] = self._sampler.generator_state(row)
        return states

    def check_state(self, states: Mapping[str, torch.Tensor]) -> None:
        """Raises ValueError unless `restore` can continue from these `states`."""
        expected = {name: (tensor, dim) for name, tensor, dim in self._states()}
        if set(states) != {*expected, "steps", "told", "generator"}:
            raise ValueError("it is made of other parts")
        for name, (tensor, dim) in expected.items():
            found, blank = states[name], tensor.select(dim, 0)
            shape = blank.shape
            if dim == 1:
                end = states[f"{name}_end"]
                if end.dtype != torch.long or end.dim() != 0 or end < 0:
                    raise ValueError(f"{name}_end is no count")
                shape = (*shape[:2], min(int(end), shape[2]), shape[3])
            if found.dtype != blank.dtype or tuple(found.shape) != tuple(shape):
                raise ValueError(f"{name} has another form")
        steps = states["steps"]
        if steps.dtype != torch.long or steps.shape != (2,) or (steps < 0).any():
            raise ValueError("steps are no counts")
        told = states["told"]
        if told.dtype != torch.long or told.shape != (self._heard_codebooks + self._lm.forced.shape[1],):
            raise ValueError("told are no tokens")
        try:
            torch.Generator().set_state(states["generator"])
        except (RuntimeError, TypeError) as error:
            raise ValueError("generator is no state of a generator") from error

    def restore(self, row: int, states: Mapping[str, torch.Tensor], sampling: Sampling) -> None:
        """Lets the row continue where `state` was taken. `states` must have passed `check_state`."""
        self.start(row, sampling, seed=0)
        with torch.no_grad():
            for name, tensor, dim in self._states():
                part = tensor.select(dim, row)
                if dim == 1:
                    part = part[:, :, : states[name].shape[2]]
                part.copy_(states[name])
        self._frames[row], self._offsets[row] = states["steps"].tolist()
        heard, spoken = states["told"].split([self._heard_codebooks, self._lm.forced.shape[1]])
        if (heard >= 0).all():
            self.tell(row, heard.numpy(), spoken.numpy())
        self._sampler.set_generator_state(row, states["generator"])

    def _states(self) -> Iterator[tuple[str, torch.Tensor, int]]:
        """Yields (name, tensor, dimension of the rows) for everything that the models remember of their rows.

        The tensors are looked up each time, because the package replaces some of them."""
        for name, root in (("mimi", self._mimi), ("lm", self._lm)):
            for path, module in root.named_modules(prefix=name):
                state = getattr(module, "_streaming_state", None)
                if state is None:
                    continue
                for field, value in vars(state).items():
                    if isinstance(value, torch.Tensor) and field not in SHARED:
                        if value.shape[0] != self.rows:
                            raise AssertionError(f"{path}.{field} is not by rows: {tuple(value.shape)}")
                        yield f"{path}.{field}", value, 0
                cache = getattr(state, "kv_cache", None)
                if cache is not None:
                    yield f"{path}.kv", cache.cache, 1
                    yield f"{path}.kv_end", cache.end_offset, 0


def _share_mask(mask: torch.Tensor, *roots: Any) -> None:
    for root in roots:
        for module in root.modules() if root is not None else ():
            if isinstance(module, StreamingModule) and module._streaming_state is not None:
                module._streaming_state.exec_mask = mask


def pack(tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> bytes:
    """Packs a state of `tensors`, on the CPU and contiguous, and `facts`, JSON values.

    A state is 32 bytes of SHA-256, then a safetensors file whose metadata has everything else. It uses no pickle, so
    reading a state runs no code. The hash detects damage in transit; the worker decides who may send a state at all."""
    content: bytes = save(dict(tensors), {FORMAT: json.dumps(facts)})  # one entry, since their order is undefined
    return hashlib.sha256(content).digest() + content


def unpack(state: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Returns (tensors, facts). Raises SlotNotMovable for bytes that `pack` of this version did not make."""
    digest, content = state[:HASH_BYTES], state[HASH_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise SlotNotMovable("its state was damaged on the way")
    try:
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        if FORMAT not in metadata:
            raise SlotNotMovable("its state is of another version")
        facts = json.loads(metadata[FORMAT])
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise SlotNotMovable("its state cannot be read") from error
    if not isinstance(facts, dict):
        raise SlotNotMovable("its state cannot be read")
    return tensors, facts
