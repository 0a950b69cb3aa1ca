"""What participants get back on the last page of a planned study."""

from __future__ import annotations

import re
from typing import Any

import pytest

from studies.models import Metric, Study, Take, Trial
from studies.participant.leaving.given_back import GivenTopic, given_back
from studies.protocol.languages import texts_of
from studies.protocol.reading.document import parse
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import explore, paired

pytestmark = pytest.mark.django_db
OWN, CHANGED = "The machine heard your own voice.", "The machine heard your voice changed."


def at_the_end(audible: dict[str, list[list[int]]] | None = None, **fields: Any) -> Visitor:
    open_new_study(paired(**fields))
    anna = Visitor().to_talk()
    for _ in range(2):
        anna.talk(audible=audible)
        anna.rate()
    anna.judge()
    assert anna.place == "debrief/"
    return anna


def topics(anna: Visitor) -> list[GivenTopic]:
    given: list[GivenTopic] = anna.response.context["given"]
    return given


def condition_of(anna: Visitor, side: str) -> str:
    trial: Trial = anna.session.trials.get(side=side)
    return trial.condition.key


def test_participants_learn_which_answer_was_which_and_what_was_said() -> None:
    anna = at_the_end()
    (topic,) = topics(anna)
    assert topic.title == "Weekend"
    said = {condition_of(anna, talk.name[-1]): talk.in_own_voice for talk in topic.talks}
    assert ([talk.name for talk in topic.talks], said) == (["Answer A", "Answer B"], {"own": True, "higher": False})
    assert (anna.page.count(OWN), anna.page.count(CHANGED)) == (1, 1)
    assert (anna.page.count("hello</dd>"), anna.page.count("hi there</dd>")) == (2, 2)
    assert "lanes__lane" not in anna.page
    assert "Higher" not in anna.page  # the researchers' name of the condition


def test_study_says_in_its_own_words_which_answer_was_which() -> None:
    own, higher, *others = paired()["conditions"]
    told = [{**own, "told": "You were yourself."}, {**higher, "told": "You were heard higher."}, *others]
    anna = at_the_end(conditions=told)
    (topic,) = topics(anna)
    said = {condition_of(anna, talk.name[-1]): talk.told for talk in topic.talks}
    assert said == {"own": "You were yourself.", "higher": "You were heard higher."}
    assert ("You were heard higher." in anna.page, CHANGED in anna.page) == (True, False)


def test_what_is_told_is_said_in_the_language_of_the_session() -> None:
    own, higher, *others = paired()["conditions"]
    conditions = [{**own, "told": "You were yourself."}, {**higher, "told": "You were heard higher."}, *others]
    document = paired(conditions=conditions)
    swedish = {path: f"{text} (sv)" for path, text in texts_of(parse(document)).items()}
    open_new_study({**document, "languages": ["en", "sv"], "translations": {"sv": swedish}})
    anna = Visitor().begin("?language=sv").agree().check()
    for _ in range(2):
        anna.talk()
        anna.rate()
    anna.judge()
    assert "You were heard higher. (sv)" in anna.page


@pytest.mark.parametrize(
    ("give_back", "conditions", "words"),
    [
        ({"conditions": False}, False, True),
        ({"transcripts": False}, True, False),
        ({"conditions": False, "transcripts": False}, False, False),
    ],
)
def test_study_decides_what_is_given_back(give_back: dict[str, bool], conditions: bool, words: bool) -> None:
    anna = at_the_end(give_back=give_back)
    assert (OWN in anna.page, "hi there" in anna.page) == (conditions, words)


def test_pictures_are_of_who_spoke_when_and_of_what_was_measured() -> None:
    audible = {"participant": [[0, 6_000]], "agent": [[12_000, 12_000]], "heard": []}
    anna = at_the_end(audible, give_back={"pictures": True})
    Metric.objects.all().delete()
    take = Take.objects.get(trial__side="B")
    Metric.objects.create(take=take, track="agent", name="word_count", value=7, method="tests", version="1")
    anna.get("debrief/")
    (topic,) = topics(anna)
    for talk in topic.talks:
        lanes = {lane.speaker: [(spoken.start, spoken.width) for spoken in lane.spoken] for lane in talk.lanes}
        assert lanes == {"participant": [(0.0, 25.0)], "agent": [(50.0, 50.0)]}
    assert 'style="inset-inline-start: 50.00%; inline-size: 50.00%"' in anna.page
    headings = re.findall(r'<th scope="col">([^<]+)</th>', anna.page)
    assert headings == ["Measure", "Answer A", "Answer B", "Change"]


def test_measures_that_are_still_to_come_are_asked_for() -> None:
    anna = at_the_end(give_back={"pictures": True})
    Metric.objects.all().delete()
    assert 'id="given" hx-get=""' in anna.get("debrief/").page
    Metric.objects.create(
        take=Take.objects.get(trial__side="A"), track="agent", name="word_count", value=7, method="tests", version="1"
    )
    Metric.objects.create(
        take=Take.objects.get(trial__side="B"), track="agent", name="word_count", value=7, method="tests", version="1"
    )
    assert 'id="given" hx-get=""' not in anna.get("debrief/").page


def test_talks_without_a_pair_are_given_back_in_their_order_and_practice_is_not() -> None:
    trying = {"key": "trying", "title": "Try it", "card": "Say hello.", "study_role": "practice"}
    document = paired(
        prompts=[*paired()["prompts"], trying],
        practice=[{"prompt": "trying", "condition": "own"}],
        design={"cells": "crossed"},
        pairs=[],
        questionnaires=[],
    )
    open_new_study(document)
    anna = Visitor().to_talk()
    talks = anna.session.trials.count()
    for _ in range(talks):
        anna.talk()
    assert anna.place == "debrief/"
    names = [talk.name for topic in topics(anna) for talk in topic.talks]
    assert names == [f"Conversation {number}" for number in range(1, talks)]
    assert "Try it" not in anna.page


def test_nothing_is_given_back_before_the_end_or_of_an_explore_study() -> None:
    anna = at_the_end()
    assert given_back(anna.session) != []
    open_new_study(explore(), slug="free")
    Study.objects.update(is_demo=False)  # a demo leads home
    visitor = Visitor("free").begin().agree()
    visitor.post("explore/", decision="finish")
    assert (visitor.place, topics(visitor)) == ("debrief/", [])
