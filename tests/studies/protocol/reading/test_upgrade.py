"""Studies of the first version of the schema, as the newest says them."""

from __future__ import annotations

from typing import Any

import pytest

from studies.errors import ProtocolError
from studies.protocol.reading.document import parse, parse_yaml, to_document, to_yaml, upgraded
from studies.questions.types.single_choice import SingleChoice
from tests.studies.protocol.documents import EXPLORE, explore, paired, version_1


def test_paired_study_keeps_what_it_asked() -> None:
    protocol = parse(version_1())
    expected = paired()
    assert to_document(protocol) == to_document(parse(expected))
    assert (protocol.version, protocol.kind) == (2, "planned")


def test_explore_study_is_the_same() -> None:
    assert parse(version_1(EXPLORE)) == parse(explore())


def test_completion_code_goes_to_the_recruiter() -> None:
    assert parse(version_1(completion={"code": "C1ABC"})).recruiter.codes.completed == "C1ABC"
    assert parse(version_1(completion={"code": None})).recruiter == parse(paired()).recruiter


def test_what_it_becomes_reads_back() -> None:
    protocol = parse(version_1())
    assert parse_yaml(to_yaml(protocol)) == protocol


def test_choice_keeps_its_options_and_stays_required() -> None:
    choice = {"type": "choice", "key": "again", "text": "Again?", "options": [{"key": "yes", "label": "Yes"}]}
    item = parse(version_1(ratings=[choice])).items()["again"]
    assert isinstance(item, SingleChoice)
    assert item.required


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ratings": [{"type": "likert", "key": "a", "text": "b", "low": 1, "high": "d"}]}, "ratings[0].low: is 1"),
        ({"comparison": [{"key": "a", "txt": "b"}]}, "comparison[0].text: is missing"),
        ({"completion": {"code": "no spaces"}}, "completion.code: is 'no spaces'"),
    ],
)
def test_problems_name_the_places_as_they_are_written(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse(version_1(**changes))
    assert str(caught.value.problems[0]).startswith(problem)


@pytest.mark.parametrize(
    "odd",
    [
        {"version": 1, "ratings": 5, "comparison": "x", "completion": [1]},
        {"version": 1, "ratings": [1, None, {"type": ["x"]}], "comparison": {"key": "a"}, "completion": {"code": [2]}},
        {"version": True},
        {"version": [1]},
    ],
)
def test_odd_documents_stay_wrong(odd: dict[str, Any]) -> None:
    upgraded(odd)
    with pytest.raises(ProtocolError):
        parse(odd)
