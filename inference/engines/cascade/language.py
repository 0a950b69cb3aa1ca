"""The language model: a small instruct model in llama.cpp (through xllamacpp), streamed, one cached context per
slot."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypedDict

import xllamacpp

from inference.contract.errors import InferenceError
from inference.contract.options.cascade import Options

# Together with the longest answer these fit the model's context, assuming a cautious 3 characters per token and a
# persona of one byte per token.
CONTEXT_TOKENS: Final = 2_048
MAX_PERSONA_BYTES: Final = 1_000
HISTORY_CHARACTERS: Final = 1_200
LONGEST_TURN_CHARACTERS: Final = 900
REPEAT_PENALTY: Final = 1.1
MIN_P: Final = 0.05
SYSTEM_PROMPT: Final = (
    "You are a friendly person having a spoken conversation. You answer in one or two short, simple sentences."
)
# A model this small follows examples better than instructions; they are read once, when a conversation opens.
EXAMPLES: Final[tuple[tuple[str, str], ...]] = (
    ("Hi, how are you doing today?", "I'm doing well, thanks. How has your day been so far?"),
    ("What is the largest planet?", "Jupiter is the largest planet in our solar system."),
    (
        "I feel a bit nervous about my job interview.",
        "That's natural. Take a deep breath and be yourself. You'll do fine.",
    ),
)


class Message(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


class History:
    """A conversation's messages. `opening` (system prompt and examples) always stays. When the rest exceeds
    HISTORY_CHARACTERS, its older half is forgotten at once, because every cut makes the model read it anew."""

    def __init__(self, opening: list[Message]) -> None:
        self._opening = opening
        self._turns: list[Message] = []

    def asking(self, words: str) -> list[Message]:
        """Returns the messages to answer after the participant has said `words`."""
        return [*self.so_far(), _message("user", words)]

    def so_far(self) -> list[Message]:
        """Returns the messages that the model can read before the participant's next words are known."""
        return [*self._opening, *self._turns]

    def add(self, heard: str, spoken: str) -> None:
        """Adds an exchange that is over. `spoken` is what sounded before an interruption, and may be empty."""
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


def opening(persona: str) -> list[Message]:
    """Returns the system prompt and the examples; `persona` is the condition's text prompt."""
    system = (
        f"{persona.strip()} You answer in one or two short, simple sentences." if persona.strip() else SYSTEM_PROMPT
    )
    messages: list[Message] = [{"role": "system", "content": system}]
    for asked, answered in EXAMPLES:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return messages


@dataclass(frozen=True, slots=True)
class Ending:
    """How a stream ended: `whole` is False when it was cut off at its token limit."""

    whole: bool


class LanguageModel:
    """The language model of all slots: llama.cpp decodes their answers together, each in its own context."""

    def __init__(self, path: Path, *, slots: int, threads: int) -> None:
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
        self, slot: int, messages: Sequence[Message], options: Options, seed: int, on_text: Callable[[str], bool]
    ) -> Ending:
        """Answers the last message. `on_text` gets the text as it comes, and ends the answer by returning True.

        Raises LanguageError."""
        sampling = {
            "temperature": options.temperature,
            "top_p": options.top_p,
            "min_p": MIN_P,
            "repeat_penalty": REPEAT_PENALTY,
            "max_tokens": options.max_tokens,
            "seed": seed,
        }
        return self._complete(slot, messages, sampling, on_text)

    def _complete(
        self, slot: int, messages: Sequence[Message], sampling: dict[str, Any], on_text: Callable[[str], bool]
    ) -> Ending:
        whole = True
        problem = ""

        def receive(event: Any) -> bool:
            nonlocal whole, problem
            for part in _parts(event):
                if "error" in part:
                    problem = str(part["error"])
                    return True
                for choice in part.get("choices") or ():
                    whole = whole and choice.get("finish_reason") != "length"
                    text = (choice.get("delta") or {}).get("content")
                    if text and on_text(text):
                        return True
            return False

        request = {"messages": list(messages), "stream": True, "cache_prompt": True, "id_slot": slot, **sampling}
        self._server.handle_chat_completions(request, receive)
        if problem:
            raise LanguageError(problem)
        return Ending(whole)


def _parts(event: Any) -> Iterator[dict[str, Any]]:
    """Yields the objects of an event, which is an object, its JSON, or a list of either."""
    for part in event if isinstance(event, list) else (event,):
        yield json.loads(part) if isinstance(part, str | bytes) else part
