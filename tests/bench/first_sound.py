"""How long the local engine takes to answer: python -m tests.bench.first_sound

Spoken questions are fed to the engine at the pace of speech. Told are the time from the end of the question to the
first sound of the answer, as a listener beside the engine would have it, and the word error rate of recognition.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.engines.base import SlotConfig
from inference.engines.cascade.engine import CascadeEngine
from tests.bench.answers_questions import OFFERED

QUESTIONS = (
    "What is the capital of France?",
    "How are you doing today?",
    "Can you tell me a joke?",
    "What should I cook for dinner tonight?",
    "I had a really bad day at work, what should I do?",
    "How do I boil an egg?",
    "Do you like classical music?",
    "What is two plus two?",
    "Why is the sky blue?",
    "I am thinking about getting a dog.",
    "Can you help me plan a trip to Italy?",
    "Who wrote Romeo and Juliet?",
    "What do you think about people who talk too much?",
    "Tell me something interesting about whales.",
    "How do planes fly?",
    "I just got a new job!",
    "What can I do to sleep better?",
    "Should I buy a car or take the bus?",
    "Can you recommend a good book for a long journey?",
    "How many days are there in a leap year?",
    "What is your favourite season of the year?",
    "Could you explain how a bicycle stays upright?",
    "Where do penguins live?",
    "Is it better to exercise in the morning or in the evening?",
)
GOAL_MEDIAN_SEC = 1.5
LEAD_SEC = 0.4
LONGEST_WAIT_SEC = 8.0
SOUND = 0.005  # of full scale
ROOM = 1e-4  # the room's noise, of full scale


@dataclass(frozen=True, slots=True)
class Answer:
    """`first_sound_sec` is None when no answer came; `turns` counts the pieces it was cut into."""

    question: str
    heard: str
    first_sound_sec: float | None
    commit_sec: float | None
    turns: int


def ask(
    engine: CascadeEngine, question: str, speech: Float32, steps_sec: list[float], options: Mapping[str, Any]
) -> Answer:
    """One question in a conversation of its own."""
    engine.open(0, SlotConfig(seed=1, options=options))
    rng = np.random.default_rng(0)
    lead = np.zeros(int(LEAD_SEC * SAMPLE_RATE_HZ), np.float32)
    tail = np.zeros(int(LONGEST_WAIT_SEC * SAMPLE_RATE_HZ), np.float32)
    signal = np.concatenate([lead, speech, tail])
    signal += (rng.standard_normal(len(signal)) * ROOM).astype(np.float32)
    end = len(lead) + int(np.flatnonzero(np.abs(speech) > SOUND)[-1])
    heard, turns, commit_sec, first_sound_sec = [], 0, None, None
    started = time.perf_counter()
    for step in range(len(signal) // FRAME_SAMPLES):
        place = step * FRAME_SAMPLES
        time.sleep(max(0.0, started + (place + FRAME_SAMPLES) / SAMPLE_RATE_HZ - time.perf_counter()))
        before = time.perf_counter()
        output = engine.step({0: signal[place : place + FRAME_SAMPLES]})[0]
        after = time.perf_counter()
        steps_sec.append(after - before)
        if error := engine.failed.pop(0, None):
            raise error
        for event in output.events:
            if event.event == "turn" and event.data["state"] == "thinking":
                turns += 1
                commit_sec = after - started - end / SAMPLE_RATE_HZ
            if event.event == "transcript" and event.data["role"] == "participant":
                heard.append(event.data["raw_text"])
        sounding = np.flatnonzero(np.abs(output.pcm) > SOUND)
        if len(sounding):
            # the step's sound can begin when the step is done
            first_sound_sec = after - started + int(sounding[0]) / SAMPLE_RATE_HZ - end / SAMPLE_RATE_HZ
            if place > end:
                break
    engine.close(0)
    return Answer(question, " ".join(heard), first_sound_sec, commit_sec, turns)


def word_errors(said: str, heard: str) -> tuple[int, int]:
    """Words substituted, inserted or left out (Levenshtein), and words said."""
    a, b = words(said), words(heard)
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1], len(a)


def words(text: str) -> list[str]:
    """Lower case, without punctuation; digits count as words, British spelling as American."""
    for written, spoken in (("2", "two"), ("favourite", "favorite")):
        text = text.replace(written, spoken)
    return re.findall(r"[a-z0-9']+", text.lower())


def report(answers: Sequence[Answer], steps_sec: Sequence[float], load: tuple[float, float]) -> bool:
    """Prints the table; True when the goal is met."""
    waits = sorted(answer.first_sound_sec for answer in answers if answer.first_sound_sec is not None)
    print(f"{'first sound':>11} {'given up':>9}  question -> heard, where it differs")
    for answer in answers:
        differs = "" if words(answer.question) == words(answer.heard) else f" -> {answer.heard or '(nothing)'}"
        cells = [f"{sec:.2f} s" if sec is not None else "none" for sec in (answer.first_sound_sec, answer.commit_sec)]
        note = f" [{answer.turns} turns]" if answer.turns != 1 else ""
        print(f"{cells[0]:>11} {cells[1]:>9}  {answer.question}{differs}{note}")
    errors, said = map(sum, zip(*(word_errors(a.question, a.heard) for a in answers), strict=True))
    if not waits:
        print("no answer at all")
        return False
    median, p90 = np.percentile(waits, [50, 90])
    print(f"\nanswered {len(waits)} of {len(answers)}; first sound after end of speech: median {median:.2f} s, "
          f"90th percentile {p90:.2f} s, longest {waits[-1]:.2f} s (goal: median {GOAL_MEDIAN_SEC} s)")  # fmt: skip
    print(f"word error rate {100 * errors / said:.1f} % ({errors} of {said} words)")
    middle_ms, late_ms = 1e3 * np.percentile(steps_sec, [50, 99])
    print(f"step: median {middle_ms:.1f} ms, 99th percentile {late_ms:.1f} ms, longest {1e3 * max(steps_sec):.1f} ms")
    print(f"{os.cpu_count()} cores; load average {load[0]:.1f} before, {load[1]:.1f} after; alone it is about 1")
    return bool(median <= GOAL_MEDIAN_SEC)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.first_sound", description=__doc__)
    parser.add_argument("--questions", type=int, default=len(QUESTIONS), help="ask only the first so many")
    parser.add_argument("--offered", action="store_true", help="with the options of the Explore study")
    given = parser.parse_args(arguments)
    wanted, options = given.questions, OFFERED if given.offered else {}
    from hibari import Hibari

    voice = Hibari(threads=1)
    spoken = [np.asarray(voice(question, seed=0), np.float32) for question in QUESTIONS[:wanted]]
    default = {"DATA_DIR": str(Path(__file__).resolve().parents[2] / "var")}
    engine = CascadeEngine(1, {**default, **os.environ})
    engine.warm_up()
    load = os.getloadavg()[0]
    steps_sec: list[float] = []
    answers = [
        ask(engine, question, speech, steps_sec, options) for question, speech in zip(QUESTIONS, spoken, strict=False)
    ]
    engine.shut_down()
    return 0 if report(answers, steps_sec, (load, os.getloadavg()[0])) else 1


if __name__ == "__main__":
    sys.exit(main())
