"""A session as a bot leaves it, its diary, and every way in which the export could differ from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from studies.design.plan import plan_trials
from studies.models import Answer, Judgement, ProtocolVersion, Session, Take, Track, Trial
from studies.publish import protocol_of
from studies.simulation.comparing import differences
from studies.simulation.diary import Asked, Diary
from studies.simulation.talking import Talked
from tests.studies.factories import add_tracks, make_answer, make_judgement, make_session, make_study, make_take
from tests.studies.unguarded import unguarded

pytestmark = pytest.mark.django_db

SENT_SAMPLES = 24_000
DEVICE: dict[str, Any] = {
    "noise_dbfs": -60.0,
    "snr_db": 30.0,
    "clipped_percent": 0.0,
    "round_trip_ms": 12.5,
    "microphone": {"verdict": "ok"},
    "attempts": [{}],
}


@pytest.fixture
def version() -> ProtocolVersion:
    return make_study()


@pytest.fixture
def diary(version: ProtocolVersion) -> Diary:
    """A bot's visit: both talks, all ratings, one verdict."""
    session = make_session(version, state=Session.State.FINISHED)
    Session.objects.update(mode=Session.Mode.BOT, arm=0, device=DEVICE, planned_at=timezone.now())
    session.trials.all().delete()
    diary = Diary(1, session.token, device=DEVICE, shown={0: "AB"}, ended="finished")
    diary.consents = {"participate": True, "record": True, "convert": True}
    for planned in plan_trials(protocol_of(version), 0, session.seed):
        trial = Trial.objects.create(
            session=session,
            position=planned.position,
            prompt=version.prompts.get(key=planned.prompt),
            condition=version.conditions.get(key=planned.condition),
            pair=planned.pair,
            side=planned.side,
        )
        take = make_take(trial, tracks=False, counts={"lost_samples": 0})
        add_tracks(take)
        Track.objects.update(lost_samples=0)
        diary.talks[planned.position] = Talked(str(take.pk), sent_samples=SENT_SAMPLES, reason="participant")
        for item, value in {"warm": 3 + planned.position, "why": "=because", "again": "never"}.items():
            make_answer(trial, item, value)
            diary.answers[Asked(item, planned.position)] = value
    make_judgement(session, "better", "B")
    diary.answers[Asked("better", None, 0)] = "B"
    return diary


def test_export_of_what_was_done_is_equal(version: ProtocolVersion, diary: Diary) -> None:
    problems, cells = differences(version, [diary])
    assert problems == []
    assert cells > 50


def _change_rating() -> None:
    make_answer(Trial.objects.get(position=1), "warm", 7)


def _lose_rating() -> None:
    with unguarded():
        Answer.objects.filter(trial__position=0, item="why").delete()


def _add_rating() -> None:
    with unguarded():
        Answer.objects.filter(trial__position=0, item="again").delete()
    make_answer(Trial.objects.get(position=0), "again", "gladly")


def _turn_verdict() -> None:
    make_judgement(Session.objects.get(), "better", "A")


def _swap_conditions() -> None:
    own, lower = Trial.objects.order_by("position")
    with unguarded():
        Trial.objects.filter(pk=own.pk).update(condition=lower.condition)


def _lose_samples() -> None:
    Track.objects.update(duration_samples=SENT_SAMPLES - 480)


def _talk_twice() -> None:
    make_take(Trial.objects.get(position=0), tracks=False, outcome=Take.Outcome.INTERRUPTED)


def _count_as_live() -> None:
    Session.objects.update(mode=Session.Mode.LIVE)


def _lose_verdict() -> None:
    with unguarded():
        Judgement.objects.all().delete()


def _shift_noise() -> None:
    Session.objects.update(device={**DEVICE, "noise_dbfs": -59.9})


def _invent_screening() -> None:
    Session.objects.update(device={**DEVICE, "headphones": {"method": "huggins", "passed": True, "attempts": []}})


def _put_into_group() -> None:
    Session.objects.update(group="other")


def _turn_sides_shown() -> None:
    make_judgement(Session.objects.get(), "better", "B", order="BA")


def _screen_out() -> None:
    Session.objects.update(state=Session.State.SCREENED_OUT, ended_because="attention")


def _forget_session() -> None:
    Session.objects.update(token="another")


@pytest.mark.parametrize(
    "tamper",
    [
        _change_rating,
        _lose_rating,
        _add_rating,
        _turn_verdict,
        _swap_conditions,
        _lose_samples,
        _talk_twice,
        _count_as_live,
        _lose_verdict,
        _shift_noise,
        _invent_screening,
        _put_into_group,
        _turn_sides_shown,
        _screen_out,
        _forget_session,
    ],
)
def test_anything_that_is_not_as_it_was_done_is_told(
    version: ProtocolVersion, diary: Diary, tamper: Callable[[], None]
) -> None:
    tamper()
    problems, _ = differences(version, [diary])
    assert problems != []


def test_problem_names_bot_table_and_column_what_is_there_and_what_was_done(
    version: ProtocolVersion, diary: Diary
) -> None:
    _shift_noise()
    _lose_rating()
    assert differences(version, [diary])[0] == [
        "bot 1, sessions.csv, check_noise_dbfs: is '-59.9', expected '-60.0'",
        "bot 1, trials.csv, position 1, answer_why: is '', expected \"'=because\"",
        "bot 1, answers.csv: 6 rows, expected 7",
        "bot 1, answers.csv: missing why of conversation 1",
    ]
