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
from inference.engines.cascade.language import Ending, Message
from inference.engines.cascade.playout import Clause, Word
from inference.engines.cascade.reply import Models
from inference.engines.cascade.sharing import Withdrawn

WORD_SAMPLES = 4_800


@dataclass
class Partner:
    """`answers` are the language model's, one a try; `heard` is what recognition finds."""

    heard: str = "Who are you?"
    answers: Sequence[str] = ("I am a friend.",)
    whole: bool = True
    no_speech_probability: float = 0.05
    on_recognition: Callable[[], object] = lambda: None
    seeds: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
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
        self, slot: int, messages: Sequence[Message], options: Options, seed: int, on_text: Callable[[str], bool]
    ) -> Ending:
        self.asked.append(messages[-1]["content"])
        self.messages = list(messages)
        for letter in self.answers[len(self.seeds) % len(self.answers)]:
            if on_text(letter):
                break
        self.seeds.append(seed)
        return Ending(self.whole)

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
