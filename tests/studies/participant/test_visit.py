"""The whole way through a paired study, and everything that may happen on it."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from django.test import Client

from studies.models import Answer, ConsentDocument, Judgement, Session, Study, Trial
from studies.protocol.reading.document import parse
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired, paired_with

pytestmark = pytest.mark.django_db


def ticked(page: str) -> list[str]:
    """Values of the boxes and buttons that are ticked in a page."""
    tags = re.findall(r"<input[^>]*>", page)
    return [re.findall(r'value="([^"]*)"', tag)[0] for tag in tags if re.search(r"\schecked", tag)]


@pytest.fixture
def study() -> Study:
    return open_new_study(paired())


def test_whole_paired_study_leads_to_the_completion_code(study: Study) -> None:
    anna = Visitor().begin()
    assert anna.place == "consent/"
    assert anna.agree().place == "check/"
    assert anna.check().place == "talk/0/"
    anna.talk()
    assert anna.place == "questions/rating/0/"
    assert anna.rate().place == "talk/1/"
    anna.talk()
    assert anna.rate().place == "compare/0/"
    assert anna.judge().place == "debrief/"
    session = anna.session
    assert session.state == Session.State.FINISHED
    assert len(session.completion_code) == 8
    assert session.completion_code in anna.response.content.decode()
    assert session.device["noise_dbfs"] == -62.5


def test_progress_is_told_on_every_page_of_a_fixed_plan(study: Study) -> None:
    anna = Visitor().begin()
    shown = [anna.response.context["progress"]]
    shown.append(anna.agree().response.context["progress"])
    shown.append(anna.check().response.context["progress"])
    assert [(each.now, each.done, each.total) for each in shown] == [(1, 0, 8), (2, 1, 8), (3, 2, 8)]


def test_consent_is_one_event_a_purpose_with_the_hash_of_the_exact_text(study: Study) -> None:
    anna = Visitor().begin().agree()
    document = ConsentDocument.objects.get()
    assert document.sha256 == hashlib.sha256(document.body.encode()).hexdigest()
    assert json.loads(document.body) == {
        "study": "voices",
        "title": "Voices",
        "version": 1,
        "language": "en",
        "text": "We record you.",
        "purposes": [
            {"key": "participate", "label": "I take part.", "required": True},
            {"key": "record", "label": "Record me.", "required": True},
            {"key": "convert", "label": "Change my voice.", "required": True},
        ],
    }
    events = anna.session.consents.values_list("purpose", "granted", "document_sha256", "language")
    assert list(events) == [(purpose, True, document.sha256, "en") for purpose in ("participate", "record", "convert")]


def test_consent_without_a_required_purpose_is_asked_again_and_keeps_what_was_ticked(study: Study) -> None:
    anna = Visitor().begin().agree("participate", "convert")
    assert (anna.place, anna.response.status_code) == ("consent/", 422)
    assert anna.response.context["form"].errors == {"record": ["You can take part only if you agree to this."]}
    assert anna.response.content.decode().count("checked") == 2
    assert anna.session.consents.count() == 0


def test_declining_records_the_refusal_and_ends(study: Study) -> None:
    anna = Visitor().begin().post("consent/", decision="decline")
    assert anna.session.state == Session.State.DECLINED
    assert list(anna.session.consents.values_list("granted", flat=True)) == [False, False, False]
    assert "Nothing was recorded" in anna.response.content.decode()
    assert anna.agree().session.state == Session.State.DECLINED
    assert Trial.objects.count() == 0


def test_consent_sent_twice_counts_once(study: Study) -> None:
    anna = Visitor().begin().agree().agree()
    assert anna.place == "check/"
    assert (anna.session.consents.count(), anna.session.trials.count()) == (3, 2)


def test_beginning_sent_twice_makes_one_session(study: Study) -> None:
    anna = Visitor().begin()
    again = anna.client.post("/s/voices/", anna.sent, follow=True)
    assert again.request["PATH_INFO"] == f"/p/{anna.token}/consent/"
    assert Session.objects.count() == 1


def test_beginning_with_a_place_of_ones_own_making_goes_back_to_the_welcome(study: Study) -> None:
    response = Client().post("/s/voices/", {"place": "mine:signed"}, follow=True)
    assert response.request["PATH_INFO"] == "/s/voices/"
    assert Session.objects.count() == 0


@pytest.mark.parametrize("device", ["", "[]", "{", "null", '{"a": "' + "x" * 20_001 + '"}', "[" * 5_000])
def test_device_check_that_arrives_broken_is_asked_again(study: Study, device: str) -> None:
    anna = Visitor().begin().agree().post("check/", device=device)
    assert (anna.place, anna.response.status_code) == ("check/", 422)
    assert anna.session.checked_at is None


def test_talk_page_says_what_the_browser_needs(study: Study) -> None:
    anna = Visitor().to_talk()
    config = anna.response.context["talk_config"]
    assert config == {
        "takesUrl": f"/p/{anna.token}/trials/0/takes/?epoch={anna.session.epoch}",
        "doneUrl": f"/p/{anna.token}/next/",
        "hereUrl": f"/p/{anna.token}/",
        "limitMs": 30_000,
        "uplinkSamples": 480,
        "capture": {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False},
        "hearYourself": False,
        "interrupted": "",
        "engineLabel": "Local cascade",
        "engineAbout": config["engineAbout"],
        "engineHearsVoice": False,
    }
    assert "cannot hear laughter" in config["engineAbout"]


@pytest.mark.parametrize(
    ("engines", "is_shown"),
    [
        ({"own": "cascade_voice", "higher": "cascade_voice"}, True),
        ({"own": "cascade_voice", "higher": "cascade"}, False),
    ],
    ids=["only machine", "one of two"],
)
def test_what_is_noticed_of_the_voice_is_shown_unless_it_would_reveal_the_machine(
    engines: dict[str, str], is_shown: bool
) -> None:
    document = paired()
    for condition in document["conditions"]:
        condition["engine"] = engines[condition["key"]]
    open_new_study(document, "told")
    anna = Visitor("told").to_talk()
    assert anna.response.context["talk_config"]["engineHearsVoice"] is is_shown
    assert ('data-part="noticed"' in anna.response.content.decode()) is is_shown


def test_talk_that_broke_off_is_offered_again(study: Study) -> None:
    anna = Visitor().to_talk()
    anna.talk(outcome="interrupted")
    assert anna.place == "talk/0/"


def test_rating_without_an_answer_is_asked_again_and_keeps_the_rest(study: Study) -> None:
    anna = Visitor().to_talk()
    anna.talk()
    anna.rate(helpful="", remark="so <b>slow</b>")
    assert (anna.place, anna.refusal["status"]) == ("questions/rating/0/", 422)
    assert "so &lt;b&gt;slow&lt;/b&gt;</textarea>" in anna.get(anna.place).page
    assert list(Answer.objects.values_list("item", "value")) == [("remark", "so <b>slow</b>")]


@pytest.mark.parametrize("value", ["8", "0", "5.5", "x"])
def test_rating_off_the_scale_is_refused(study: Study, value: str) -> None:
    anna = Visitor().to_talk()
    anna.talk()
    assert list(anna.rate(helpful=value).refusal["errors"]) == ["helpful"]


def test_rating_sent_twice_counts_once_and_changed_is_a_revision(study: Study) -> None:
    anna = Visitor().to_talk()
    anna.talk()
    anna.rate(helpful=5)
    anna.answer("questions/rating/0/", helpful=5, remark="")
    anna.answer("questions/rating/0/", helpful=2, remark="")
    rows = Answer.objects.filter(item="helpful").values_list("value", "revision")
    assert list(rows) == [(5, 1), (2, 2)]


def test_going_back_to_a_rating_shows_what_was_answered(study: Study) -> None:
    anna = Visitor().to_talk()
    anna.talk()
    anna.rate(helpful=3, remark="quiet")
    page = anna.get("questions/rating/0/").response.content.decode()
    assert anna.place == "questions/rating/0/"
    assert ticked(page) == ["3"]
    assert "quiet</textarea>" in page


def test_pages_ahead_lead_to_the_step_that_is_due(study: Study) -> None:
    anna = Visitor().begin()
    for path in ("check/", "talk/0/", "explore/", "debrief/"):
        assert anna.get(path).place == "consent/"
    anna.agree().check()
    for path in ("talk/1/", "questions/rating/0/", "compare/0/", "debrief/"):
        assert anna.get(path).place == "talk/0/"


def test_comparison_shows_the_sides_in_order_whichever_came_first(study: Study) -> None:
    anna = Visitor().to_comparison()
    assert [side.side for side in anna.response.context["sides"]] == ["A", "B"]


def test_comparison_does_not_name_the_conditions(study: Study) -> None:
    anna = Visitor().to_comparison()
    page = anna.response.content.decode()
    assert [word for word in ("Own", "Higher", "cascade") if word in page] == []


def test_judgement_names_the_chosen_trial_and_the_order_shown(study: Study) -> None:
    anna = Visitor().to_comparison().judge(prefer="B")
    judgement = Judgement.objects.get()
    trials = list(anna.session.trials.order_by("side"))
    assert (judgement.item, judgement.choice, judgement.chosen) == ("prefer", "B", trials[1])
    assert judgement.order_shown == [trial.pk for trial in trials]


def test_no_difference_chooses_no_trial(study: Study) -> None:
    Visitor().to_comparison().judge(prefer="none")
    judgement = Judgement.objects.get()
    assert (judgement.choice, judgement.chosen) == ("none", None)


def test_judgement_before_both_were_heard_is_refused_and_kept_on_the_page(study: Study) -> None:
    anna = Visitor().to_comparison().judge({"A": 2.5}, prefer="B")
    assert (anna.place, anna.refusal["status"]) == ("compare/0/", 422)
    assert "Please listen to the end first: Answer B." in anna.refusal["summary"]
    assert ticked(anna.get(anna.place).page) == ["B"]


def test_how_long_each_answer_was_heard_is_kept(study: Study) -> None:
    anna = Visitor().to_comparison().judge()
    heard = Answer.objects.filter(item="listened_sec").values_list("trial__side", "value")
    assert dict(heard) == {"A": 2.5, "B": 3.0}
    assert anna.place == "debrief/"


def test_recording_that_could_not_be_filed_need_not_be_heard(study: Study) -> None:
    anna = Visitor().to_talk()
    anna.talk(state="failed", tracks=False)
    anna.rate()
    anna.talk()
    anna.rate()
    missing = anna.session.trials.get(position=0).side
    assert "no recording of this answer" in anna.page
    assert anna.judge({side: 3 for side in "AB" if side != missing}).place == "debrief/"


def test_judgement_sent_twice_counts_once(study: Study) -> None:
    anna = Visitor().to_comparison()
    anna.judge({"A": 1}).judge({"A": 1, "B": 1})
    assert Judgement.objects.count() == 1


def test_link_leads_back_to_where_one_stopped_on_another_device(study: Study) -> None:
    anna = Visitor().to_talk()
    anna.talk()
    anna.client = Client()
    assert anna.get().place == "questions/rating/0/"


def test_finished_session_stays_at_the_debrief_with_one_code(study: Study) -> None:
    anna = Visitor().to_comparison().judge()
    code = anna.session.completion_code
    for path in ("", "questions/rating/0/", "compare/0/", "talk/0/", "consent/", "debrief/"):
        assert anna.get(path).place == "debrief/"
    assert anna.session.completion_code == code


def test_completion_code_of_the_protocol_is_shown_to_everyone() -> None:
    open_new_study(paired(recruiter={"codes": {"completed": "C1ABC"}}))
    assert Visitor().to_comparison().judge().session.completion_code == "C1ABC"


def test_study_without_ratings_and_comparison_goes_from_talk_to_talk() -> None:
    open_new_study(paired(questionnaires=[]))
    anna = Visitor().to_talk()
    anna.talk()
    assert anna.place == "talk/1/"
    anna.talk()
    assert anna.place == "debrief/"


def test_each_pair_is_compared_right_after_its_talks() -> None:
    open_new_study(paired_with(2))
    anna = Visitor().to_comparison()
    first = anna.session.trials.get(position=0).pair
    assert anna.place == f"compare/{first}/"
    assert anna.judge().place == "talk/2/"


@pytest.mark.parametrize(("state", "words"), [("paused", "This study is paused"), ("closed", "has ended")])
def test_study_that_is_not_open_says_so(study: Study, state: str, words: str) -> None:
    anna = Visitor().to_talk()
    Study.objects.update(state=state)
    assert words in anna.get().response.content.decode()
    assert f'href="/p/{anna.token}/withdraw/">Stop and erase everything' in anna.page
    assert words in Client().get("/s/voices/").content.decode()
    assert anna.get("withdraw/").place == "withdraw/"


def test_draft_and_unknown_studies_and_sessions_are_not_found(study: Study) -> None:
    Study.objects.update(state="draft")
    client = Client()
    codes = [
        client.get(path).status_code for path in ("/s/voices/", "/s/none/", "/p/none/", "/p/none/questions/rating/0/")
    ]
    assert codes == [404] * 4


def test_running_session_stays_with_the_version_it_began_with(study: Study) -> None:
    from studies.publish import publish

    anna = Visitor().begin()
    publish(study, parse(paired(title="New", debrief="Other words.")))
    assert anna.session.version.number == 1
    assert Visitor().begin().session.version.number == 2


def test_pages_of_a_session_are_not_cached(study: Study) -> None:
    anna = Visitor().to_talk()
    assert "no-store" in anna.response.headers["Cache-Control"]


def test_start_page_lists_the_open_demo_studies(study: Study) -> None:
    page = Client().get("/").content.decode()
    assert 'href="/s/voices/"' in page
    Study.objects.update(state="paused")
    assert "No study is open" in Client().get("/").content.decode()


def test_forms_without_a_csrf_token_are_refused(study: Study) -> None:
    anna = Visitor().begin()
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(f"/p/{anna.token}/consent/", {"decision": "agree"})
    assert response.status_code == 403
    assert anna.session.consents.count() == 0
