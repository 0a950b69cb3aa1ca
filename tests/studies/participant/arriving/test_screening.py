"""Who cannot go on: by their answers, by their attention, or because enough have taken part."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from studies.models import AllocationSlot, Answer, Session, Study, Trial
from studies.participant.arriving.enrol import agree, begin
from studies.participant.leaving.page import withdraw
from studies.withdrawal import forget_undecided
from tests.studies.participant.visitor import PURPOSES, Visitor, open_new_study
from tests.studies.protocol.documents import asking, paired

pytestmark = pytest.mark.django_db

AGE = {"type": "number", "key": "age", "text": "How old are you?", "whole": True}
MINOR = {"when": {"all": [{"item": "age", "at_most": 17}]}, "message": "Only **adults**, sorry."}
WOMAN = {"type": "switch", "key": "woman", "text": "Are you a woman?"}
CHECK = {"type": "likert", "key": "check", "text": "Choose 2.", "low": "No", "high": "Yes", "expect": 2}
RECRUITER = {
    "service": "generic",
    "parameter": "pid",
    "return_url": "https://panel.example/?c={code}&p={person}",
    "codes": {"screened_out": "OUT1", "quota_full": "FULL1", "no_consent": "NO1"},
}


def screening(**changes: Any) -> dict[str, Any]:
    return asking(AGE, at="eligibility", screen_out=[MINOR], recruiter=RECRUITER, **changes)


def at_question(link: str = "?pid=anna") -> Visitor:
    visitor = Visitor().begin(link)
    assert visitor.place == "questions/more/"
    return visitor


def test_eligibility_comes_before_consent_and_lets_adults_on() -> None:
    open_new_study(screening())
    assert at_question().answer("questions/more/", age="18").place == "consent/"


def test_screened_out_sees_the_studys_words_and_the_code_and_leaves_no_answer() -> None:
    open_new_study(screening())
    anna = at_question().answer("questions/more/", age="17")
    assert "Only <strong>adults</strong>, sorry." in anna.page
    assert 'href="https://panel.example/?c=OUT1&amp;p=anna"' in anna.page
    assert (anna.session.state, anna.session.ended_because) == (Session.State.SCREENED_OUT, "screen_out[0]")
    assert (Answer.objects.count(), Trial.objects.count(), anna.session.consents.count()) == (0, 0, 0)


@pytest.mark.parametrize("path", ["", "questions/more/", "consent/", "check/", "talk/0/", "debrief/", "next/"])
def test_no_page_gets_around_having_been_screened_out(path: str) -> None:
    open_new_study(screening())
    anna = at_question().answer("questions/more/", age="17")
    assert "Thank you for your interest" in anna.get(path).page
    whole = {
        "answers": [{"item": "age", "value": 30}],
        "epoch": anna.session.epoch,
        "questionnaire": "more",
        "go_on": True,
    }
    sent = anna.client.post(f"/p/{anna.token}/answers/", whole, content_type="application/json")
    assert (sent.status_code, sent.json()["code"]) == (409, "ended")
    assert "Thank you for your interest" in anna.get("").page
    assert "Thank you for your interest" in Visitor().begin("?pid=anna").page
    assert Session.objects.count() == 1


def test_browser_without_a_recruiters_link_remembers_having_been_screened_out() -> None:
    open_new_study(asking(AGE, at="eligibility", screen_out=[MINOR]))
    anna = at_question("").answer("questions/more/", age="17")
    assert "Thank you for your interest" in anna.begin().page
    assert Session.objects.count() == 1


def test_rule_waits_until_all_it_asks_about_was_asked() -> None:
    document = screening()
    document["screen_out"] = [{"when": {"all": [{"item": "woman", "none_of": [True]}]}}]
    document["questionnaires"].append({"key": "later", "at": "eligibility", "items": [WOMAN]})
    open_new_study(document)
    anna = at_question().answer("questions/more/", age="30")
    assert anna.place == "questions/later/"
    assert anna.answer("questions/later/", woman="true").place == "consent/"


def test_answers_of_whoever_declines_go() -> None:
    open_new_study(screening())
    anna = at_question().answer("questions/more/", age="18")
    assert Answer.objects.count() == 1
    anna.post("consent/", decision="decline")
    assert Answer.objects.count() == 0
    assert "c=NO1&amp;p=anna" in anna.page


def test_attention_that_fails_ends_the_visit_and_frees_the_place() -> None:
    open_new_study(asking(CHECK, attention={"then": "screen_out"}))
    anna = Visitor().begin().agree()
    assert AllocationSlot.objects.exclude(session=None).count() == 1
    anna.answer("questions/more/", check="5")
    assert (anna.session.state, anna.session.ended_because) == (Session.State.SCREENED_OUT, "attention")
    assert AllocationSlot.objects.exclude(session=None).count() == 0
    assert "Download your consent" in anna.page
    assert "Stop and erase everything" in anna.page


@pytest.mark.parametrize(
    ("answer", "attention"),
    [("2", {"then": "screen_out"}), ("5", {"then": "flag"}), ("5", {"max_failed": 1, "then": "screen_out"})],
)
def test_attention_that_is_enough_lets_on(answer: str, attention: dict[str, Any]) -> None:
    open_new_study(asking(CHECK, attention=attention))
    anna = Visitor().begin().agree().answer("questions/more/", check=answer)
    assert anna.place == "check/"


def test_failed_device_ends_the_visit() -> None:
    open_new_study(paired())
    anna = Visitor().begin().agree()
    Session.objects.update(device={"left": True})
    assert "sound is not good enough" in anna.get("next/").page
    assert anna.session.ended_because == "device"


def test_trials_are_planned_once_the_answers_are_there_that_allocation_needs() -> None:
    open_new_study(asking(WOMAN, allocation={"strata": ["woman"]}))
    anna = Visitor().begin().agree()
    assert (anna.place, anna.session.planned_at, anna.session.trials.count()) == ("questions/more/", None, 0)
    anna.answer("questions/more/", woman="true")
    assert (anna.place, anna.session.stratum, anna.session.trials.count()) == ("check/", "woman=yes", 2)


def test_progress_before_the_plan_counts_what_is_to_come() -> None:
    open_new_study(asking(WOMAN, allocation={"strata": ["woman"]}))
    anna = Visitor().begin().agree()
    before = anna.response.context["progress"]
    after = anna.answer("questions/more/", woman="true").response.context["progress"]
    assert (before.done, after.done, before.total) == (1, 2, after.total)


def test_full_quota_is_told_once_it_is_known_who_somebody_is() -> None:
    quota = {"key": "women", "max": 1, "when": {"all": [{"item": "woman", "equals": True}]}}
    open_new_study(asking(WOMAN, quotas=[quota], recruiter=RECRUITER))
    first = Visitor().begin("?pid=anna").agree().answer("questions/more/", woman="true")
    assert first.place == "check/"
    second = Visitor().begin("?pid=britta").agree().answer("questions/more/", woman="true")
    assert "This study has enough participants" in second.page
    assert "c=FULL1&amp;p=britta" in second.page
    assert (second.session.state, second.session.ended_because) == (Session.State.QUOTA_FULL, "women")
    third = Visitor().begin("?pid=carl").agree().answer("questions/more/", woman="false")
    assert third.place == "check/"


def test_full_quota_that_eligibility_decides_is_told_before_consent() -> None:
    quota = {"key": "women", "max": 1, "when": {"all": [{"item": "woman", "equals": True}]}}
    open_new_study(asking(WOMAN, at="eligibility", quotas=[quota]))
    first = Visitor().begin().answer("questions/more/", woman="true").agree()
    assert first.place == "check/"
    second = Visitor().begin().answer("questions/more/", woman="true")
    assert (second.session.state, second.session.consents.count()) == (Session.State.QUOTA_FULL, 0)
    assert Answer.objects.filter(session=second.session).count() == 0


def test_study_that_is_full_for_everybody_says_so_at_the_door() -> None:
    study = open_new_study(paired(quotas=[{"key": "all", "max": 1}], recruiter=RECRUITER))
    version = study.current_version
    assert version is not None
    session = begin(version, "t" * 22)
    agree(session, PURPOSES)
    anna = Visitor()
    anna.response = anna.client.get("/s/voices/?pid=anna", follow=True)
    assert "This study has enough participants" in anna.page
    assert "c=FULL1&amp;p=anna" in anna.page
    withdraw(session)
    assert Visitor().begin("?pid=anna").place == "consent/"


def test_whoever_comes_back_to_a_quota_that_others_filled_meanwhile_is_told_so() -> None:
    open_new_study(paired(quotas=[{"key": "all", "max": 1}], recruiter=RECRUITER))
    anna = Visitor().begin("?pid=anna").agree()
    AllocationSlot.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    britta = Visitor().begin("?pid=britta").agree()
    assert britta.place == "check/"
    anna.get()
    assert "This study has enough participants" in anna.page
    assert "c=FULL1&amp;p=anna" in anna.page
    assert (anna.session.state, anna.session.ended_because) == (Session.State.QUOTA_FULL, "all")
    assert anna.session.consents.count() > 0  # what they agreed to, and can withdraw, stays
    assert britta.get().place == "check/"


def test_study_that_stopped_takes_nobody_in_but_lets_those_go_on_who_began() -> None:
    open_new_study(paired(stopping={"completed": 1}))
    anna, britta = Visitor().begin().agree(), Visitor().begin().agree()
    Session.objects.filter(token=anna.token).update(state="finished")
    carl = Visitor()
    carl.response = carl.client.get("/s/voices/")
    assert "This study has enough participants" in carl.page
    assert britta.get().place == "check/"
    assert Study.objects.get().state == Study.State.OPEN


def test_answers_of_whoever_leaves_before_consent_are_forgotten_after_a_day() -> None:
    open_new_study(screening())
    anna = at_question("?pid=anna").answer("questions/more/", age="30")
    britta = at_question("?pid=britta").answer("questions/more/", age="31").agree()
    at_question("?pid=carl").answer("questions/more/", age="32")
    Session.objects.filter(token__in=[anna.token, britta.token]).update(seen_at=timezone.now() - timedelta(days=2))
    assert forget_undecided() == 1
    assert list(Answer.objects.order_by("pk").values_list("value", flat=True)) == [31, 32]
