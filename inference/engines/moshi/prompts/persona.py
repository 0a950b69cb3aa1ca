"""Gives rows PersonaPlex's prompts, which say who the agent is and how it sounds.

The prompts are steps, some seconds of them. Rows process them in pieces, at most one piece of one row between two steps
of the batch, so that other rows keep to their 80 ms. Until a row has processed all of its prompts, its participant
hears silence. What the row remembers then depends only on the checkpoint and the prompts, not on any participant. It is
therefore kept, and the next conversation with the same persona starts from it at once, bit for bit as if the prompts
had been processed again.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import torch
from moshi.modules.streaming import StreamingModule

from inference.contract.errors import OptionError
from inference.engines.base import SlotConfig
from inference.engines.moshi.batch import Batch
from inference.engines.moshi.language_model import FREE
from inference.engines.moshi.personaplex.model import (
    CODEBOOKS,
    Tokens,
    forced_after,
    model_inputs,
    prompt_steps,
    tagged,
)
from inference.engines.moshi.personaplex.voices import Voice

STEPS_AT_ONCE: Final = 64  # of a prompt, between two steps of the batch; fixed, so that the result is always the same
KEPT_BYTES: Final = 500_000_000  # of kept states on the device: about three states of 300 steps with 7B
Key = tuple[str, str]  # tagged text, name of the voice


def live_through(transformer: Any, row: int, inputs: torch.Tensor) -> None:
    """Processes `inputs` [1, T, D] as the row's next T steps. Together with earlier steps they must fit the context.

    A row's prompts are known beforehand, so nothing has to be drawn and the steps need not wait for each other: the
    temporal transformer processes them like a text, in one pass that reads the weights once. A prompt of 300 steps
    therefore costs about as much time as a handful of steps of the conversation. The pass works on views of the row's
    own part of every streaming state. It changes no other row, no mask and no CUDA graph."""
    with torch.no_grad(), _alone(transformer, row):
        transformer(inputs)


def embedded(lm: Any, tokens: Tokens) -> torch.Tensor:
    """Takes tokens [T, channels]; returns the sums of their embeddings, [1, T, D], as `forward_text` computes them."""
    ids = torch.from_numpy(tokens).to(lm.device)
    with torch.no_grad():
        total = lm.emb[0](ids[:, lm.audio_offset])
        for codebook in range(1, lm.num_audio_codebooks):
            total = total + lm.emb[codebook](ids[:, codebook + lm.audio_offset])
        summed: torch.Tensor = (total + lm.text_emb(ids[:, 0]))[None]
        return summed


def memory_of(transformer: Any, row: int, steps: int) -> list[torch.Tensor]:
    """Returns a copy of the keys and values of the row's first `steps` steps, [2, heads, steps, D] for each layer."""
    return [state.kv_cache.cache[:, row, :, :steps].clone() for state in _caching(transformer)]


def remember(transformer: Any, row: int, memory: list[torch.Tensor]) -> None:
    """Lets a clean row continue where `memory_of` was taken."""
    steps = memory[0].shape[2]
    with torch.no_grad():
        for state, kept in zip(_caching(transformer), memory, strict=True):
            state.kv_cache.cache[:, row, :, :steps].copy_(kept)
            state.kv_cache.end_offset[row] = steps
            state.offset[row] = steps
        transformer._streaming_state.offsets[row] = steps


def _caching(transformer: Any) -> list[Any]:
    return [layer.self_attn._streaming_state for layer in transformer.layers]


@contextmanager
def _alone(root: Any, row: int) -> Iterator[None]:
    """A context in which `root` streams a batch of one, which is the row."""
    streaming = [module for module in root.modules() if isinstance(module, StreamingModule)]
    whole = [module._streaming_state for module in streaming]
    try:
        for module, state in zip(streaming, whole, strict=True):
            module._streaming_state = _part(state, row)
        yield
    finally:
        for module, state in zip(streaming, whole, strict=True):
            module._streaming_state = state


def _part(state: Any, row: int) -> Any:
    part = copy.copy(state)
    part.batch_size = 1
    for name, value in vars(state).items():
        if isinstance(value, torch.Tensor):
            setattr(part, name, value[row : row + 1])
    part.exec_mask = torch.ones(1, dtype=torch.bool, device=state.device)
    if getattr(state, "kv_cache", None) is not None:
        part.kv_cache = copy.copy(state.kv_cache)
        part.kv_cache.cache = state.kv_cache.cache[:, row : row + 1]
        part.kv_cache.end_offset = state.kv_cache.end_offset[row : row + 1]
    return part


class Tokenizer(Protocol):
    """The method of a sentencepiece processor that is used."""

    def encode(self, text: str) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class _Prompts:
    """The prompts of a row.

    `steps` [N, channels] are the prompts themselves, and `inputs` [N, channels] is what the model then reads in each of
    its steps; `embeddings` [E, D] replace the first E of these."""

    key: Key
    steps: Tokens
    inputs: Tokens
    embeddings: torch.Tensor | None


@dataclass(slots=True)
class _Listener:
    """A row that is processing `prompts` and has finished `done` steps of them."""

    prompts: _Prompts
    done: int = 0


class PersonaPlexPrompting:
    """A `Prompting` for PersonaPlex. `lm` is the package's model, the same one that `batch` steps."""

    def __init__(self, batch: Batch, lm: Any, tokenizer: Tokenizer, voices: Mapping[str, Voice]) -> None:
        self._batch = batch
        self._lm = lm
        self._tokenizer = tokenizer
        self._voices = dict(voices)
        self._most_steps = lm.context // 2  # The other half is for the conversation.
        self._initial = [lm.text_initial_token_id] + [lm.initial_token_id] * lm.num_audio_codebooks
        self._listeners: dict[int, _Listener] = {}  # in the order of their arrival
        self._kept: OrderedDict[Key, list[torch.Tensor]] = OrderedDict()

    def check(self, config: SlotConfig) -> None:
        self._prompts(config)

    def begin(self, row: int, config: SlotConfig) -> None:
        self._listeners[row] = _Listener(self._prompts(config))
        self._recall(row)

    def ready(self, rows: Iterable[int]) -> set[int]:
        first = next(iter(self._listeners), None)
        if first is not None:
            self._tell(first)
            for row in list(self._listeners):  # rows that arrived meanwhile and have the same prompts
                self._recall(row)
        return set(rows) - self._listeners.keys()

    def finish(self, row: int) -> None:
        while row in self._listeners:
            self._tell(row)

    def forget(self, row: int) -> None:
        self._listeners.pop(row, None)

    def describe(self) -> dict[str, Any]:
        return {
            "kind": "personaplex",
            "voices": {name: voice.sha256 for name, voice in sorted(self._voices.items())},
            "steps_at_once": STEPS_AT_ONCE,
        }

    def _prompts(self, config: SlotConfig) -> _Prompts:
        voice = self._voice(config.voice_prompt.strip())
        text = tagged(config.text_prompt) if config.text_prompt.strip() else ""
        tokens = self._tokenizer.encode(text) if text else []
        steps = prompt_steps(voice.steps if voice else None, tokens)
        room = self._most_steps - len(steps) + len(tokens)
        if voice and room < 0:
            raise OptionError("voice_prompt", voice.name, f"a voice prompt of at most {len(voice.steps) + room} steps")
        if len(tokens) > room:
            raise OptionError("text_prompt", f"a text of {len(tokens)} tokens", f"at most {room} with this voice")
        key = (text, voice.name if voice else "")
        inputs = model_inputs(steps, self._lm.delays, self._initial)
        return _Prompts(key, steps, inputs, voice.embeddings if voice else None)

    def _voice(self, named: str) -> Voice | None:
        if not named:
            return None
        name = named if named in self._voices else named.rpartition(".")[0]
        if name in self._voices:
            return self._voices[name]
        known = (
            f"one of {', '.join(sorted(self._voices))}" if self._voices else "none: no voices are beside the checkpoint"
        )
        raise OptionError("voice_prompt", named, known)

    def _recall(self, row: int) -> None:
        """Gives the row the kept state after its prompts, if there is one."""
        prompts = self._listeners[row].prompts
        kept = self._kept.get(prompts.key)
        if kept is None or self._listeners[row].done:
            return
        self._kept.move_to_end(prompts.key)
        remember(self._lm.transformer, row, kept)
        self._end(row, prompts)

    def _tell(self, row: int) -> None:
        """Processes one piece. The last step of the prompts is left to the batch, because the batch draws from it."""
        listener = self._listeners[row]
        prompts = listener.prompts
        last = len(prompts.inputs) - 1
        end = min(listener.done + STEPS_AT_ONCE, last)
        live_through(self._lm.transformer, row, self._inputs(prompts, listener.done, end))
        listener.done = end
        if end == last:
            self._keep(prompts.key, memory_of(self._lm.transformer, row, last))
            self._end(row, prompts)

    def _inputs(self, prompts: _Prompts, start: int, end: int) -> torch.Tensor:
        """Returns the inputs of the steps from `start` to `end`, [1, end − start, D]."""
        parts = []
        given = prompts.embeddings
        known = 0 if given is None else max(start, min(len(given), end))
        if given is not None and start < known:
            parts.append(given[None, start:known].to(self._lm.device, self._lm.dtype))
        if max(start, known) < end:
            parts.append(embedded(self._lm, prompts.inputs[max(start, known) : end]))
        return torch.cat(parts, dim=1)

    def _end(self, row: int, prompts: _Prompts) -> None:
        """Leaves the last step of the prompts to the batch, as the row's first step there.

        In this step the row still hears the prompts, and the tokens that come later than their text are forced. The
        text and the first codebook are the first tokens of its own."""
        del self._listeners[row]
        self._batch.place(row, len(prompts.inputs) - 1, prompts.inputs[-1])
        spoken = forced_after(prompts.steps, self._lm.delays, FREE)
        self._batch.tell(row, prompts.steps[-1, 1 + CODEBOOKS :], np.concatenate([[FREE], spoken]))

    def _keep(self, key: Key, memory: list[torch.Tensor]) -> None:
        self._kept[key] = memory
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > KEPT_BYTES:
            self._kept.popitem(last=False)


def _bytes(memory: Sequence[torch.Tensor]) -> int:
    return sum(tensor.nbytes for tensor in memory)
