"""The exports of the four templates, and of a study with every type of item, do not change by a single byte.

Bots of a fixed seed answer each study page by page; their talks are filed as rows. Times, hashes of recordings and the
numbers of rows differ from run to run, so they are left out of the comparison. After a change that is meant,
`GOLDEN_RENEW=1 .venv/bin/python -m pytest tests/studies/exports/test_golden.py` writes the golden file anew.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from studies.design.visit import Page
from studies.exports.tables import TABLES, write, write_codebook
from studies.models import Participant, Session, Study
from studies.participant.answering.question_page import QuestionPage
from studies.participant.talking.explore import choose
from studies.protocol.reading.document import parse, parse_yaml
from studies.protocol.schema import Protocol
from studies.publish import open_study, protocol_of, publish
from studies.simulation.answering import answer, eligible_answers
from tests.studies.factories import make_take
from tests.studies.participant.questionnaires import EVERY_ITEM, asking
from tests.studies.participant.visitor import Visitor

pytestmark = pytest.mark.django_db

FILE: Final = Path(__file__).parents[2] / "data" / "golden-exports.json.gz"
TEMPLATES: Final = Path(__file__).parents[3] / "studies" / "protocol" / "templates"
STUDIES: Final = ("emotional-awareness", "explore", "paired-prompts", "server-room", "every-type")
VISITORS: Final = 2
MOST_PAGES: Final = 120
TALKS_TO_EXPLORE: Final = 2
NUMBERED: Final = frozenset({"session", "trial", "take"})
"""Columns that hold the numbers of rows, which a database gives as it likes."""
VARYING: Final = re.compile(r"sha256|seed|_at$|^duration_sec$|fingerprint")
LIKERT: Final = {"type": "likert", "text": "How?", "low": "Low", "high": "High"}
MORE: Final[list[dict[str, Any]]] = [
    {**LIKERT, "key": "turned", "reverse": True, "points": 5},
    {"type": "visual_analogue", "key": "away", "text": "How far?", "low": "Near", "high": "Far", "reverse": True},
    {"type": "self_assessment_manikin", "key": "tired", "text": "?", "dimension": "arousal", "reverse": True},
    {"type": "multiple_choice", "key": "about", "text": "What about?", "options": "scenarios"},
    {**LIKERT, "key": "careful", "expect": 2},
    {"type": "playback", "key": "again", "text": "Listen again.", "max_plays": 2},
    {"type": "number", "key": "weight", "text": "How heavy?", "required": False},
    {"type": "switch", "key": "sure", "text": "Sure?", "yes": "Certainly", "no": "Not at all"},
]
PREFER: Final = {"type": "preference", "key": "prefer", "text": "Which one?"}


def study_of(name: str) -> Protocol:
    if name != "every-type":
        return parse_yaml((TEMPLATES / f"{name}.yaml").read_text())
    document = asking(*EVERY_ITEM)
    document["prompts"].append({"key": "trip", "title": "A trip", "card": "Go."})
    document["pairs"].append({"prompt": "trip", "conditions": ["own", "higher"]})
    document["questionnaires"] = [
        document["questionnaires"][0],
        {"key": "afterwards", "at": "after_trial", "random_order": True, "items": MORE},
        {"key": "verdict", "at": "after_pair", "items": [PREFER, {**LIKERT, "key": "certain"}]},
    ]
    return parse(document)


class Bot(Visitor):
    """Goes from page to page and does what each asks, with answers drawn from a fixed seed."""

    def __init__(self, slug: str, number: int) -> None:
        super().__init__(slug)
        self.draw = random.Random(f"{slug}:{number}")
        self.number = number
        self.talks = 0

    def visit(self) -> None:
        self.begin()
        Session.objects.filter(token=self.token).update(seed=1_000 + self.number)
        Participant.objects.filter(sessions__token=self.token).update(code=f"P-{self.number:03}")
        for _ in range(MOST_PAGES):
            kind, *arguments = self.place.strip("/").split("/")
            if kind in {"", "debrief"}:
                return
            getattr(self, f"at_{kind}")(*arguments)
        raise AssertionError(f"no end at {self.path}")

    def at_consent(self) -> None:
        purposes = [each.key for each in self.protocol.consent.purposes]
        self.post("consent/", decision="agree", **dict.fromkeys(purposes, "on"))

    def at_check(self) -> None:
        self.check()

    def at_headphones(self) -> None:
        self.post("headphones/", decision="skip")

    def at_intro(self, *arguments: str) -> None:
        self.post(self.place)

    at_break = at_intro

    def at_questions(self, questionnaire: str, position: str = "") -> None:
        page = Page("questions", questionnaire, int(position) if position else None)
        self.answer_all(QuestionPage(self.session, page))

    def at_compare(self, pair: str) -> None:
        page = QuestionPage(self.session, Page("compare", pair=int(pair)))
        self.answer_all(page, dict.fromkeys(page.sides, 60))

    def at_talk(self, position: str) -> None:
        self.talk()

    def at_explore(self) -> None:
        offer = self.protocol.offer
        assert offer is not None
        if not self.session.agreed:
            self.at_consent()
            return
        if self.talks == TALKS_TO_EXPLORE:
            self.post("explore/", decision="finish")
            return
        self.talks += 1
        chosen = self.draw.choice(self.protocol.prompts).key
        choice = {"prompt": chosen, "voice": offer.voices[0].key, "engine": offer.engines[0].name}
        make_take(choose(self.session, choice))

    @property
    def protocol(self) -> Protocol:
        return protocol_of(self.session.version)

    def answer_all(self, page: QuestionPage, listened: Mapping[str, float] | None = None) -> None:
        eligible = eligible_answers(self.protocol, self.draw)
        given = {item.key: eligible.get(item.key, answer(item, self.draw, page.sides)) for item in page.items}
        self.answer(self.place, listened, **given)
        assert not self.refusal, f"{self.path} refuses {given}: {self.refusal}"


def exported(study: Study) -> dict[str, str]:
    """Every table and the codebook as text, with what differs from run to run left out."""
    texts: dict[str, str] = {}
    for name, table in TABLES.items():
        pieces: list[str] = []
        write(study, table, pieces.append)
        columns = table.columns(study)
        texts[name] = settled("".join(pieces), {column.name for column in columns if column.type == "timestamp"})
    codebook = io.StringIO()
    write_codebook(codebook, study)
    texts["codebook"] = codebook.getvalue()
    return texts


def settled(text: str, times: set[str]) -> str:
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    numbers: dict[str, dict[str, str]] = {name: {} for name in NUMBERED}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    for row in rows:
        writer.writerow(_settled(header, row, times, numbers))
    return out.getvalue()


def _settled(header: list[str], row: list[str], times: set[str], numbers: dict[str, dict[str, str]]) -> Iterator[str]:
    for name, cell in zip(header, row, strict=True):
        if cell and name in numbers:
            yield numbers[name].setdefault(cell, str(len(numbers[name]) + 1))
        elif cell and (name in times or VARYING.search(name)):
            yield "varies"
        else:
            yield cell


@pytest.mark.parametrize("name", STUDIES)
def test_export_is_byte_for_byte_as_before(name: str) -> None:
    study = Study.objects.create(slug=name, title=name, is_demo=True)
    publish(study, study_of(name))
    open_study(study, ethics_reference="EK-2026/17", retention_until=date(2036, 1, 1))
    for number in range(1, VISITORS + 1):
        Bot(name, number).visit()
    texts = exported(study)
    assert len(texts["trials"].splitlines()) > VISITORS
    golden = json.loads(gzip.decompress(FILE.read_bytes())) if FILE.exists() else {}
    if os.environ.get("GOLDEN_RENEW"):
        FILE.write_bytes(gzip.compress(json.dumps({**golden, name: texts}, sort_keys=True).encode(), mtime=0))
        return
    assert texts == golden[name]
