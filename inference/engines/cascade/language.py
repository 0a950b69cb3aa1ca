"""The language model: a small instruct model in llama.cpp (through xllamacpp), streamed, one cached context per
slot."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import xllamacpp

from inference.contract.errors import InferenceError
from inference.contract.options.cascade import Options
from inference.engines.cascade.prompt import Message

# Together with the longest answer these fit the model's context, assuming a cautious 3 characters per token and a
# persona of one byte per token.
CONTEXT_TOKENS: Final = 2_048
MAX_PERSONA_BYTES: Final = 1_000
HISTORY_CHARACTERS: Final = 1_200
LONGEST_TURN_CHARACTERS: Final = 900
REPEAT_PENALTY: Final = 1.05
MIN_P: Final = 0.08


class History:
    """A conversation's messages. `opening` (system prompt and examples) always stays. When the rest exceeds
    HISTORY_CHARACTERS, its older half is forgotten at once, because every cut makes the model read it anew."""

    def __init__(self, opening: list[Message]) -> None:
        self._opening = opening
        self._turns: list[Message] = []

    def asking(self, words: str, first: str = "") -> list[Message]:
        """Returns the messages to answer after the participant has said `words`. The answer begins with `first`, which
        the model goes on from."""
        begun: list[Message] = [_message("assistant", first)] if first else []
        return [*self.so_far(), _message("user", words), *begun]

    def so_far(self) -> list[Message]:
        """Returns the messages that the model can read before the participant's next words are known."""
        return [*self._opening, *self._turns]

    def add(self, heard: str, spoken: str) -> None:
        """Adds an exchange that is over. `spoken` is what sounded before an interruption. Either may be empty."""
        if heard:
            self._turns.append(_message("user", heard))
        if spoken:
            self._turns.append(_message("assistant", spoken))
        if sum(len(turn["content"]) for turn in self._turns) > HISTORY_CHARACTERS:
            self._turns = self._turns[len(self._turns) // 2 :]
            while self._turns and self._turns[0]["role"] != "user":
                self._turns.pop(0)


def _message(role: Literal["user", "assistant"], content: str) -> Message:
    return {"role": role, "content": content[-LONGEST_TURN_CHARACTERS:]}


class LanguageError(InferenceError):
    """llama.cpp refused a request."""

    code = "language_error"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a stream ended: `whole` is False when it was cut off at its token limit. `likelihood` is the mean
    log-probability of its tokens; None where it was not asked for or there were none."""

    whole: bool
    likelihood: float | None = None


class LanguageModel:
    """The language model of all slots: llama.cpp decodes their answers together, each in its own context."""

    def __init__(self, path: Path, slots: int, threads: int) -> None:
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_parallel = slots
        parameters.n_ctx = CONTEXT_TOKENS * slots
        parameters.warmup = True
        parameters.verbosity = -1
        parameters.cache_ram_mib = 0  # a slot keeps its own prefix; nothing of a conversation may remain elsewhere
        # llama.cpp also opens a local port, which nothing uses; it must not expose a conversation
        parameters.hostnames = ["127.0.0.1"]
        parameters.api_keys = [secrets.token_urlsafe(32)]
        parameters.endpoint_slots = False
        for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
            cpu.n_threads = threads
            cpu.poll = 0  # waiting threads sleep instead of spinning
        self._server = xllamacpp.Server(parameters)

    def read(self, slot: int, messages: Sequence[Message]) -> None:
        """Reads `messages` into the slot's context now, so that a later answer has little left to read."""
        self._complete(slot, messages, {"max_tokens": 1, "temperature": 0.0}, lambda text: True)

    def stream(
        self,
        slot: int,
        messages: Sequence[Message],
        options: Options,
        seed: int,
        on_text: Callable[[str], bool],
        *,
        judged: bool = False,
    ) -> Ending:
        """Answers the last message, or goes on with it if it is the assistant's. `on_text` gets the text as it comes,
        and ends the answer by returning True. `judged` asks for the likelihood.

        Raises LanguageError."""
        sampling = {
            "temperature": options.temperature,
            "top_p": options.top_p,
            "min_p": MIN_P,
            "repeat_penalty": REPEAT_PENALTY,
            "max_tokens": options.max_tokens,
            "seed": seed,
            **({"logprobs": True, "top_logprobs": 1} if judged else {}),
        }
        return self._complete(slot, messages, sampling, on_text)

    def _complete(
        self, slot: int, messages: Sequence[Message], sampling: dict[str, Any], on_text: Callable[[str], bool]
    ) -> Ending:
        whole = True
        problem = ""
        likelihoods: list[float] = []

        def receive(event: Any) -> bool:
            nonlocal whole, problem
            for part in _parts(event):
                if "error" in part:
                    problem = str(part["error"])
                    return True
                for choice in part.get("choices") or ():
                    whole = whole and choice.get("finish_reason") != "length"
                    tokens = (choice.get("logprobs") or {}).get("content") or ()
                    likelihoods.extend(token["logprob"] for token in tokens)
                    text = (choice.get("delta") or {}).get("content")
                    if text and on_text(text):
                        return True
            return False

        request = {
            "messages": list(messages),
            "stream": True,
            "cache_prompt": True,
            "id_slot": slot,
            "chat_template_kwargs": {"enable_thinking": False},  # some models would think aloud for seconds
            **sampling,
        }
        self._server.handle_chat_completions(request, receive)
        if problem:
            raise LanguageError(problem)
        return Ending(whole, sum(likelihoods) / len(likelihoods) if likelihoods else None)


def _parts(event: Any) -> Iterator[dict[str, Any]]:
    """Yields the objects of an event, which is an object, its JSON, or a list of either."""
    for part in event if isinstance(event, list) else (event,):
        yield json.loads(part) if isinstance(part, str | bytes) else part
