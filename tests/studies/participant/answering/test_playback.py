"""Recordings to listen to within a questionnaire."""

from __future__ import annotations

from typing import Any

import pytest

from studies.models import Session, Take
from studies.participant.answering.answers import known
from tests.studies.participant.questionnaires import asking
from tests.studies.participant.visitor import Visitor, open_new_study

pytestmark = pytest.mark.django_db

PLACE = "questions/asked/0/"


def at_playback(at: str = "playback", take: dict[str, Any] | None = None, **item: Any) -> Visitor:
    """At the first recording, of a talk of one second."""
    playback = {"type": "playback", "key": "hear", "text": "Listen", **item}
    document = asking(playback, at=at)
    document["questionnaires"] = document["questionnaires"][:1]
    open_new_study(document)
    anna = Visitor().to_talk()
    anna.talk(**(take or {}))
    if at == "playback":
        anna.talk()
    assert anna.place == PLACE
    return anna


def hear(visitor: Visitor, plays: int, listened_sec: float) -> dict[str, str]:
    """What the page says to that."""
    visitor.answer(PLACE, hear={"plays": plays, "listened_sec": listened_sec})
    return dict(visitor.refusal.get("errors", {}))


def test_recording_is_the_participants_own_and_must_be_heard() -> None:
    anna = at_playback()
    excerpt = anna.response.context["questions"][0].excerpt
    take = anna.session.trials.get(position=0).take
    assert take is not None
    assert (excerpt.url, excerpt.state) == (f"/p/{anna.token}/takes/{take.pk}/agent.flac", "ready")
    assert anna.client.get(excerpt.url).status_code == 200
    assert hear(anna, 1, 0.5) == {"hear": "Please listen to this recording to the end."}
    assert hear(anna, 2, 1.0) == {}
    assert anna.place == "questions/asked/1/"
    assert known(anna.session, anna.session.trials.get(position=0)) == {"hear": {"plays": 2, "listened_sec": 1.0}}


def test_what_was_heard_before_a_reload_counts() -> None:
    anna = at_playback()
    hear(anna, 3, 0.6)
    shown = anna.get(PLACE).response.context["questions"][0]
    assert shown.parts == {"plays": 3, "listened_sec": 0.6}
    hear(anna, 1, 1.0)
    assert known(anna.session, anna.session.trials.get(position=0)) == {"hear": {"plays": 3, "listened_sec": 1.0}}


def test_recording_played_as_often_as_it_may_lets_one_go_on() -> None:
    anna = at_playback(max_plays=2)
    assert hear(anna, 3, 1.0) == {"hear": "This recording has already been played as often as allowed."}
    assert hear(anna, 1, 0.2) == {"hear": "Please listen to this recording to the end."}
    assert hear(anna, 2, 0.2) == {}


def test_only_the_excerpt_must_be_heard() -> None:
    anna = at_playback(start_sec=0.2, max_duration_sec=0.5)
    excerpt = anna.response.context["questions"][0].excerpt
    assert (excerpt.start_sec, excerpt.end_sec, excerpt.duration_sec) == (0.2, 0.7, pytest.approx(0.5))
    assert hear(anna, 1, 0.5) == {}


@pytest.mark.parametrize("item", [{"start_sec": 30}, {"condition": "own", "prompt": "weekend", "start_sec": 2}])
def test_excerpt_that_begins_after_the_end_is_missing(item: dict[str, Any]) -> None:
    anna = at_playback(**item)
    assert "There is no recording of this" in anna.response.content.decode()
    assert hear(anna, 0, 0) == {}


def test_recording_that_was_lost_lets_one_go_on() -> None:
    anna = at_playback(at="after_trial", take={"state": Take.State.FAILED, "tracks": False})
    assert hear(anna, 0, 0) == {}


def test_recording_that_is_being_prepared_is_waited_for() -> None:
    anna = at_playback(at="after_trial", take={"state": Take.State.ENDED, "tracks": False})
    assert anna.response.context["questions"][0].excerpt.state == "filing"
    assert hear(anna, 1, 1.0) == {"hear": "Please listen to this recording to the end."}


def test_recording_need_not_be_heard_where_the_item_says_so() -> None:
    anna = at_playback(must_listen=False)
    assert hear(anna, 0, 0) == {}


def test_named_condition_is_played_wherever_it_is_asked() -> None:
    anna = at_playback(prompt="weekend", condition="higher", track="heard")
    take = anna.session.trials.get(condition__key="higher").take
    assert take is not None
    assert anna.response.context["questions"][0].excerpt.url.endswith(f"{take.pk}/heard.flac")


def test_nobody_else_hears_it() -> None:
    anna = at_playback()
    url = anna.response.context["questions"][0].excerpt.url
    berta = Visitor().begin()
    assert berta.client.get(url.replace(anna.token, berta.token)).status_code == 404
    assert Session.objects.count() == 2


def test_recording_of_a_condition_is_that_of_the_one_that_stands_in_for_it() -> None:
    playback = {"type": "playback", "key": "hear", "text": "Listen", "prompt": "weekend", "condition": "higher"}
    document = asking(playback, at="end")
    lower = {"key": "lower", "label": "Lower", "engine": "cascade", "voices": [{"preset": "lower"}]}
    document["conditions"].append(lower)
    document["allocation"] = {"groups": [{"key": "lowered", "replace": {"higher": "lower"}}]}
    document["questionnaires"] = document["questionnaires"][:1]
    open_new_study(document)
    anna = Visitor().to_talk()
    for _ in range(2):
        anna.talk()
    take = Take.objects.get(trial__condition__key="lower")
    assert anna.response.context["questions"][0].excerpt.url == f"/p/{anna.token}/takes/{take.pk}/agent.flac"
