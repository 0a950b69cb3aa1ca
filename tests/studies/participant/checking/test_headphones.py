"""The headphone screening: orders from a seed, answers scored by the server, attempts counted."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.design.headphones import order_of, target_of
from studies.errors import BadReport
from studies.models import Study
from studies.participant.checking.device import device_screened_out, headphones_done
from studies.participant.checking.headphones import read_answers, screening_of
from studies.protocol.visit import Headphones
from studies.publish import protocol_of
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

FIXTURE = json.loads((Path(__file__).parents[3] / "data/headphones.json").read_text())


def study_with(**headphones: Any) -> Study:
    return open_new_study(paired(device_check={"headphones": headphones}))


def at_screening() -> Visitor:
    return Visitor().begin().agree().check().get("headphones/")


def right_answers(visitor: Visitor, attempt: int, trials: int = 6) -> list[int]:
    asked = protocol_of(visitor.session.version).device_check.headphones or Headphones()
    seed = screening_of(visitor.session, asked)["seed"]
    return [target_of(seed, attempt, trial) for trial in range(trials)]


def wrong(answers: list[int], how_many: int) -> list[int]:
    return [answer % 3 + 1 for answer in answers[:how_many]] + answers[how_many:]


def answer(visitor: Visitor, answers: list[int], attempt: int) -> Visitor:
    return visitor.post("headphones/", answers=json.dumps(answers), attempt=attempt)


def done(visitor: Visitor) -> bool:
    return headphones_done(visitor.session, protocol_of(visitor.session.version))


def screened_out(visitor: Visitor) -> bool:
    return device_screened_out(visitor.session, protocol_of(visitor.session.version))


def test_orders_are_those_of_the_browser() -> None:
    assert [list(order_of(case["seed"], case["attempt"], case["trial"])) for case in FIXTURE["orders"]] == [
        case["order"] for case in FIXTURE["orders"]
    ]


@given(st.text(max_size=32), st.integers(0, 9), st.integers(0, 23))
def test_order_is_a_permutation_and_the_target_its_zero(seed: str, attempt: int, trial: int) -> None:
    seed = seed.encode(errors="ignore").decode()
    order = order_of(seed, attempt, trial)
    assert sorted(order) == [0, 1, 2]
    assert order[target_of(seed, attempt, trial) - 1] == 0


def test_target_comes_at_each_place_about_equally_often() -> None:
    places = Counter(target_of("seed", 0, trial) for trial in range(3_000))
    assert sorted(places) == [1, 2, 3]
    assert all(900 < count < 1_100 for count in places.values())


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", "[1,2]", "[1,2,4]", "[1,2,true]", '["1",2,3]', "[1,2,3.0]", "[" * 400, "1" * 501]
)
def test_answers_of_another_shape_are_refused(text: str) -> None:
    with pytest.raises(BadReport, match="expected 3 answers, each of them 1, 2 or 3"):
        read_answers(text, 3)


@pytest.mark.django_db
class TestPage:
    def test_tells_the_browser_what_it_needs_and_no_answer(self) -> None:
        study_with(method="antiphase", trials=4, pass_at=3)
        anna = at_screening()
        config = anna.response.context["headphones_config"]
        assert anna.place == "headphones/"
        assert (config["method"], config["attempt"], config["trials"]) == ("antiphase", 0, 4)
        assert sorted(config) == ["attempt", "method", "seed", "trials"]
        assert at_screening().response.context["headphones_config"]["seed"] != config["seed"]

    def test_passing_goes_on(self) -> None:
        study_with()
        anna = at_screening()
        answers = wrong(right_answers(anna, 0), 1)
        answer(anna, answers, 0)
        assert anna.place == "talk/0/"
        screening = anna.session.device["headphones"]
        [attempt] = screening["attempts"]
        assert attempt.pop("at")
        assert attempt == {"correct": 5, "of": 6, "answers": answers}
        assert (screening["passed"], screening["done"], screening["skipped"]) == (True, True, False)
        assert (done(anna), screened_out(anna)) == (True, False)

    def test_failing_once_asks_again_with_other_sounds(self) -> None:
        study_with()
        anna = at_screening()
        first = right_answers(anna, 0)
        answer(anna, wrong(first, 2), 0)
        assert (anna.place, anna.response.context["headphones_config"]["attempt"]) == ("headphones/", 1)
        assert "You have 1 attempt left." in anna.response.content.decode()
        assert not done(anna)
        assert right_answers(anna, 1) != first
        answer(anna, right_answers(anna, 1), 1)
        assert [attempt["correct"] for attempt in anna.session.device["headphones"]["attempts"]] == [4, 6]
        assert (anna.place, done(anna), screened_out(anna)) == ("talk/0/", True, False)

    @pytest.mark.parametrize("required", [False, True])
    def test_failing_all_attempts_ends_the_visit_only_where_headphones_are_required(self, required: bool) -> None:
        study_with(required=required)
        anna = at_screening()
        for attempt in range(2):
            path, answers = f"/p/{anna.token}/headphones/", wrong(right_answers(anna, attempt), 6)
            anna.client.post(path, {"answers": json.dumps(answers), "attempt": attempt, "epoch": anna.session.epoch})
        assert anna.session.device["headphones"]["passed"] is False
        assert (done(anna), screened_out(anna)) == (True, required)

    def test_answers_sent_twice_count_once(self) -> None:
        study_with()
        anna = at_screening()
        answers = wrong(right_answers(anna, 0), 6)
        answer(answer(anna, answers, 0), answers, 0)
        assert (anna.place, len(anna.session.device["headphones"]["attempts"])) == ("headphones/", 1)

    def test_answers_ahead_of_their_attempt_do_not_count(self) -> None:
        study_with()
        anna = at_screening()
        answer(anna, right_answers(anna, 1), 1)
        assert (anna.place, done(anna)) == ("headphones/", False)

    @pytest.mark.parametrize(
        ("answers", "attempt"),
        [("[1,2,3]", "0"), ("", "0"), ("x" * 100_000, "0"), ("[1,1,1,1,1,1]", "one"), ("[1,1,1,1,1,1]", "99999")],
    )
    def test_broken_answers_are_refused_and_nothing_is_lost(self, answers: str, attempt: str) -> None:
        study_with()
        anna = at_screening().post("headphones/", answers=answers, attempt=attempt)
        assert (anna.place, anna.response.status_code) == ("headphones/", 422)
        assert "Your answers did not arrive correctly" in anna.response.content.decode()
        assert anna.response.context["headphones_config"]["attempt"] == 0

    @pytest.mark.parametrize("required", [False, True])
    def test_whoever_cannot_do_it_says_so(self, required: bool) -> None:
        study_with(required=required)
        anna = at_screening()
        anna.post("headphones/", decision="skip")
        assert anna.session.device["headphones"]["skipped"] is True
        assert (done(anna), screened_out(anna)) == (True, required)

    def test_stays_closed_before_the_check_and_after_it_is_done(self) -> None:
        study_with()
        anna = Visitor().begin().agree().get("headphones/")
        assert anna.place == "check/"
        anna.check().post("headphones/", decision="skip")
        assert anna.get("headphones/").place == "talk/0/"

    def test_study_without_screening_has_no_such_step(self) -> None:
        open_new_study(paired())
        anna = at_screening()
        assert (anna.place, done(anna), screened_out(anna)) == ("talk/0/", True, False)

    def test_new_check_keeps_the_screening(self) -> None:
        study_with()
        anna = at_screening()
        answer(anna, right_answers(anna, 0), 0)
        anna.check()
        assert done(anna)
