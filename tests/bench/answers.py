"""What the local engine answers: python -m tests.bench.answers [--record]

Forty spoken questions are recognised, answered and spoken by the engine's own parts, each in a conversation of its own,
with the options of the Explore study and with those that a study has by itself. Printed are all answers, the share of
whole answers, and the share of answers on the topic as an embedding model judges it. `--record` writes
docs/answers.md."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.options.cascade import Options
from inference.engines.cascade.hearing.vad import RATE_HZ
from inference.engines.cascade.language import History
from inference.engines.cascade.loading import Loaded, load
from inference.engines.cascade.prompt import opening
from inference.engines.cascade.reply import Models, Reply
from inference.engines.cascade.settings import CascadeSettings
from tests.bench.answers_judges import EMBEDDING, Topic, is_whole
from tests.bench.answers_questions import DOOR, OFFERED, QUESTIONS
from tests.speech import speak

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "answers.md"
MARK: Final = "<!-- below: written by python -m tests.bench.answers --record -->"
VARIANTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "as Explore offers it": {**OFFERED, "model": "small"},
    "as a study has it by itself": {"model": "small"},
    "a larger model": {"model": "larger", "temperature": 0.6, "top_p": 0.95},
}
SEED: Final = 11
TAIL_SEC: Final = 0.3  # of the pause at which an answer is begun


@dataclass(frozen=True, slots=True)
class Answer:
    """`by_rule` are those of its words that a rule gave; `sec` is the time from the pause to the last piece."""

    persona: str
    question: str
    heard: str
    text: str
    by_rule: str
    draws: int
    sec: float


def ask(models: Models, questions: Sequence[tuple[str, str, Float32]], options: Options) -> Iterator[Answer]:
    for number, (persona, question, audio) in enumerate(questions):
        history = History(opening(persona))
        models.language.read(0, history.so_far())
        began = time.perf_counter()
        reply = Reply(
            models,
            slot=0,
            turn=number,
            audio=audio,
            settled=[],
            history=history,
            persona=persona,
            options=options,
            seed=SEED,
        )
        while not reply.done:
            time.sleep(0.005)
        if reply.error is not None:
            raise reply.error
        spoken = " ".join(clause.text for clause in reply.clauses)
        heard = reply.heard.words if reply.heard else ""
        yield Answer(persona, question, heard, spoken, reply.by_rule, reply.draws, time.perf_counter() - began)


def models_of(loaded: Loaded, name: str, threads: ThreadPoolExecutor) -> Models:
    return Models(loaded.turn_end, loaded.recogniser, loaded.languages[name], loaded.synthesisers["heart"], threads)


def spoken_questions() -> list[tuple[str, str, Float32]]:
    """Each with float32 [n] at 16 kHz, with the pause after it."""
    tail = np.zeros(int(TAIL_SEC * RATE_HZ), np.float32)
    return [
        (persona, question, np.concatenate([soxr.resample(speak(question), SAMPLE_RATE_HZ, RATE_HZ), tail]))
        for persona, question in QUESTIONS
    ]


def report(name: str, answers: Sequence[Answer], on_topic: Sequence[bool]) -> list[str]:
    """Returns the lines of a variant: its shares, and every answer."""
    count = len(answers)
    whole = sum(is_whole(answer.text) for answer in answers)
    both = sum(is_whole(answer.text) and on for answer, on in zip(answers, on_topic, strict=True))
    ruled = sum(bool(answer.by_rule) for answer in answers)
    draws = statistics.median(answer.draws for answer in answers)
    sec = statistics.median(answer.sec for answer in answers)
    lines = [
        f"## {name[0].upper()}{name[1:]}",
        "",
        f"Whole: {whole} of {count}. On the topic: {sum(on_topic)} of {count}. Both: {both} of {count}.",
        f"Begun or given by a rule: {ruled}. Drawn candidates: median {draws:.0f}. From the pause to the last word "
        f"synthesised: median {sec:.1f} s.",
        "",
        "| | Said | Answered (*by a rule*) | Whole | On topic |",
        "|---|---|---|---|---|",
    ]
    for number, (answer, on) in enumerate(zip(answers, on_topic, strict=True), start=1):
        said = answer.question if answer.heard == answer.question else f"{answer.question} (heard: {answer.heard})"
        text = answer.text
        if answer.by_rule:
            text = text.replace(answer.by_rule, f"*{answer.by_rule}*", 1)
        door = " (the guard)" if answer.persona == DOOR else ""
        cells = (str(number), f"{said}{door}", text, *("yes" if yes else "no" for yes in (is_whole(answer.text), on)))
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.answers", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write docs/answers.md")
    record = parser.parse_args(arguments).record
    settings = CascadeSettings.read({"DATA_DIR": str(ROOT / "var"), **os.environ})
    os.environ.setdefault("DATA_DIR", str(ROOT / "var"))
    questions, topic = spoken_questions(), Topic()
    loaded = load(settings, slots=1)
    lines = [
        MARK,
        "",
        f"The judge of the topic is {EMBEDDING.model}. Load average {os.getloadavg()[0]:.1f} at the start.",
    ]
    lines += [f"The models: {', '.join(weights.model for weights in loaded.weights.values())}.", ""]
    with ThreadPoolExecutor(4) as threads:
        for name, given in VARIANTS.items():
            if given["model"] not in loaded.languages:
                lines += [f"## {name[0].upper()}{name[1:]}", "", "Not measured: the hub did not answer here.", ""]
                continue
            models = models_of(loaded, str(given["model"]), threads)
            answers = list(ask(models, questions, Options.read(given)))
            judged = topic.on_topic([answer.question for answer in answers], [answer.text for answer in answers])
            lines += report(name, answers, judged)
            print("\n".join(lines), flush=True)
    if record:
        head = PAGE.read_text(encoding="utf-8").partition(MARK)[0] if PAGE.exists() else "# Answers\n\n"
        PAGE.write_text(head + "\n".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
