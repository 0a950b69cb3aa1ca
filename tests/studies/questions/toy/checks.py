"""What holds once the toy is there. test_toy.py runs this in a process of its own, since a schema is built once."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from studies.errors import ProtocolError
from studies.exports.tables import TABLES, codebook_rows, write
from studies.models import Study
from studies.participant.answering.answers import known
from studies.protocol.reading.document import parse, sha256_of, to_document
from studies.protocol.reference import json_schema, reference
from studies.questions.registry import TYPES
from studies.researcher.design.writing.form_schema import form_schema
from studies.simulation.answering import answer
from tests.studies.participant.questionnaires import asking
from tests.studies.participant.visitor import Visitor, open_new_study

TEMPLATES = Path(__file__).parent / "templates"
STARS = {"type": "stars", "key": "given", "text": "How many stars?", "most": 4}
MORE = {
    "type": "long_text",
    "key": "why",
    "text": "Why so few?",
    "show_if": {"all": [{"item": "given", "at_most": 2}]},
}


@pytest.fixture
def _toy_templates(settings: LazySettings) -> None:
    engine: dict[str, Any] = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], TEMPLATES]}, *settings.TEMPLATES[1:]]


def test_schema_form_and_reference_have_it() -> None:
    assert list(TYPES).index("stars") == list(TYPES).index("likert") + 1
    assert "Stars" in json_schema()["$defs"]
    assert "Stars" in form_schema()["schema"]["$defs"]
    assert "## Stars\n\nSo many stars.\n" in reference()


def test_study_with_it_is_read_and_its_rules_are_checked() -> None:
    protocol = parse(asking(STARS, MORE))
    assert sha256_of(parse(to_document(protocol))) == sha256_of(protocol)
    with pytest.raises(ProtocolError, match="expected a whole number from 1 to 4"):
        parse(asking(STARS, {**MORE, "show_if": {"all": [{"item": "given", "equals": 5}]}}))


@pytest.mark.django_db
@pytest.mark.usefixtures("_toy_templates")
def test_page_export_and_codebook_have_it() -> None:
    study = open_new_study(asking(STARS, MORE))
    anna = Visitor().begin()
    assert "★★★★" in anna.page
    assert list(anna.answer(anna.place, given=5).refusal["errors"]) == ["given"]
    assert anna.answer("questions/asked/", given=3).place == "consent/"
    assert known(anna.session) == {"given": 3}
    assert ("sessions", "answer_given", "integer", "", "Answer to “How many stars?” (1 to 4 stars)") in codebook_rows(
        study
    )
    (session,) = table(study, "sessions")
    (given,) = table(study, "answers")
    assert (session["answer_given"], given["value"], given["score"], given["type"]) == ("3", "3", "3", "stars")


def test_bots_answer_it() -> None:
    item = parse(asking(STARS)).items()["given"]
    answers = [answer(item, random.Random(seed)) for seed in range(40)]
    assert set(answers) == {1, 2, 3, 4}
    assert [item.checked(each) for each in answers] == answers


def table(study: Study, name: str) -> list[dict[str, str]]:
    pieces: list[str] = []
    write(study, TABLES[name], pieces.append)
    return list(csv.DictReader(io.StringIO("".join(pieces), newline="")))
