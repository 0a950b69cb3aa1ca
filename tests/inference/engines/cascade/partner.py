"""All the models at once, as fakes that keep their contracts and say what they are told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from threading import Event
from typing import Any, cast

import numpy as np

from inference.contract.audio import Float32
from inference.contract.options.cascade import Options
from inference.engines.cascade.hearing.recognition import Recognition
from inference.engines.cascade.language import Ending
from inference.engines.cascade.playout import Clause, Word
from inference.engines.cascade.prompt import Message
from inference.engines.cascade.reply import Models
from inference.engines.cascade.sharing import Withdrawn

WORD_SAMPLES = 4_800


@dataclass
class Partner:
    """`answers` are the language model's, one a draw, and `likelihoods` theirs; `heard` is what recognition finds."""

    heard: str = "Who are you?"
    answers: Sequence[str] = ("I am a friend.",)
    likelihoods: Sequence[float] = (-1.0,)
    whole: bool = True
    no_speech_probability: float = 0.05
    on_recognition: Callable[[], object] = lambda: None
    on_answer: Callable[[], object] = lambda: None
    seeds: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)  # the first words of the answers that it was to go on with
    messages: list[Message] = field(default_factory=list)  # of the last request
    read_so_far: list[list[str]] = field(default_factory=list)

    def judge(self, turn: Float32, withdrawn: Event) -> float:
        return 0.75

    def recognise(self, speech: Float32, withdrawn: Event) -> Recognition:
        self.on_recognition()
        if withdrawn.is_set():
            raise Withdrawn
        return Recognition(self.heard, -0.1, self.no_speech_probability)

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
        going_on = messages[-1]["role"] == "assistant"
        self.begun.append(messages[-1]["content"] if going_on else "")
        self.asked.append(messages[-2 if going_on else -1]["content"])
        self.messages = list(messages)
        self.on_answer()
        draw = len(self.seeds)
        for letter in self.answers[draw % len(self.answers)]:
            if on_text(letter):
                break
        self.seeds.append(seed)
        return Ending(self.whole, self.likelihoods[draw % len(self.likelihoods)] if judged else None)

    def speak(self, text: str, seed: int, withdrawn: Event) -> Clause:
        words = [
            Word(word, place * WORD_SAMPLES, (place + 1) * WORD_SAMPLES) for place, word in enumerate(text.split())
        ]
        return Clause(text, np.full(len(words) * WORD_SAMPLES, 0.5, np.float32), tuple(words))

    def read(self, slot: int, messages: Sequence[Message]) -> None:
        self.read_so_far.append([message["content"] for message in messages])

    def models(self, threads: Executor) -> Models:
        language = type("Language", (), {"stream": staticmethod(self.stream), "read": staticmethod(self.read)})
        return Models(
            turn_end=cast(Any, self.judge),
            recogniser=cast(Any, self.recognise),
            language=cast(Any, language),
            synthesiser=cast(Any, self.speak),
            threads=threads,
        )
