from __future__ import annotations

import json
from typing import Any, cast
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from inference.contract.catalog import ENGINES, Entry
from studies.models import ConsentDocument, Metric, Session, Study, Take
from studies.participant.talking.explore import choose, chosen_in, free_schedule
from studies.withdrawal import take_back
from tests.studies.factories import add_metrics, make_take, make_worker
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import explore

pytestmark = pytest.mark.django_db

OWN = {"prompt": "weekend", "voice": "own", "engine": "cascade"}
HIGHER = {**OWN, "voice": "higher"}
FREE = {**OWN, "voice": "free"}


@pytest.fixture(autouse=True)
def study() -> None:
    open_new_study(explore())


def talked(ida: Visitor, choice: dict[str, str], asked_from: Take | None = None) -> Take:
    """What a talk of this choice leaves behind."""
    take = make_take(choose(ida.session, choice))
    Take.objects.filter(pk=take.pk).update(asked_from=asked_from)
    take.refresh_from_db()
    ida.get("explore/")
    return take


def begin(ida: Visitor, choice: dict[str, str], address: str = "talks") -> Any:
    """What the site answers when the page begins a talk."""
    query = urlencode({**choice, "epoch": ida.session.epoch})
    return ida.client.post(f"/p/{ida.token}/explore/{address}/?{query}")


def test_first_page_of_a_visit_asks_for_consent_with_the_same_events_as_ever() -> None:
    ida = Visitor().begin()
    assert ida.place == "explore/"
    assert [*ida.response.context["consent_form"].fields] == ["participate", "record", "convert"]
    body = {"participate": "on", "record": "on", "decision": "agree", "epoch": ida.session.epoch}
    sent = ida.client.post(f"/p/{ida.token}/consent/", body, headers={"Accept": "application/json"})
    assert sent.json() == {"agreed": ["participate", "record"]}
    events = ida.session.consents.values_list("purpose", "granted")
    assert [*events] == [("participate", True), ("record", True), ("convert", False)]
    assert ida.get("explore/").response.context["consent_form"] is None


def test_one_button_agrees_to_everything_that_is_listed_even_before_scripts_have_come() -> None:
    ida = Visitor().begin().post("consent/", decision="agree_all")
    assert (ida.place, sorted(ida.session.agreed)) == ("explore/", ["convert", "participate", "record"])
    assert ida.response.context["explore_config"]["listen"]
    assert not ida.get("explore/").response.context["explore_config"]["listen"]


def test_microphone_is_not_opened_before_consent_whatever_the_address_says() -> None:
    ida = Visitor().begin()
    assert not ida.get("explore/?listen").response.context["explore_config"]["listen"]


def test_summary_is_part_of_the_document_that_is_agreed_to() -> None:
    document = explore()
    document["consent"]["summary"] = "In short: you are **recorded**."
    open_new_study(document, "short")
    ida = Visitor("short").begin()
    assert "In short: you are <strong>recorded</strong>." in ida.page
    ida.agree()
    assert json.loads(ConsentDocument.objects.get().body)["summary"] == "In short: you are **recorded**."


def test_visitor_who_declines_is_recorded_nowhere() -> None:
    ida = Visitor().begin().post("consent/", decision="decline")
    assert ida.session.state == Session.State.DECLINED


def test_nothing_begins_before_consent() -> None:
    make_worker()
    ida = Visitor().begin()
    answer = begin(ida, OWN)
    assert (answer.status_code, answer.json()["code"], Take.objects.count()) == (403, "no_consent", 0)


def test_talk_of_what_is_chosen_begins_in_one_request() -> None:
    make_worker()
    ida = Visitor().to_talk()
    answer = begin(ida, HIGHER)
    assert answer.status_code == 201
    take = Take.objects.get(pk=answer.json()["take"])
    assert (take.trial.condition.voices[0]["preset"], take.trial.prompt.key, take.asked_from) == (
        "higher",
        "weekend",
        None,
    )


def test_choice_made_twice_makes_one_trial_and_asking_again_another() -> None:
    ida = Visitor().to_talk()
    assert choose(ida.session, OWN) == choose(ida.session, OWN)
    talked(ida, OWN)
    assert choose(ida.session, OWN).position == 1


def test_choice_that_is_not_offered_is_refused() -> None:
    make_worker()
    ida = Visitor().to_talk()
    answer = begin(ida, {**HIGHER, "engine": "echo"})
    assert (answer.status_code, answer.json()["code"], ida.session.trials.count()) == (409, "not_offered", 0)


def test_machine_that_is_told_how_one_sounds_is_called_that() -> None:
    open_new_study(
        explore(offer={**explore()["offer"], "engines": [{"engine": "cascade"}, {"engine": "cascade_voice"}]}), "told"
    )
    page = Visitor("told").to_talk().response.content.decode()
    assert "Local cascade, told how you sound" in page
    assert "the model does not hear it itself" in page
    assert page.count('data-part="noticed"') == 1


def test_without_consent_to_conversion_there_is_only_the_own_voice() -> None:
    make_worker()
    ida = Visitor().begin().agree("participate", "record")
    assert [card.key for card in ida.response.context["offered"].voices] == ["own"]
    assert begin(ida, HIGHER).json()["code"] == "not_offered"


def test_older_tab_begins_nothing() -> None:
    make_worker()
    ida = Visitor().to_talk()
    take = talked(ida, OWN)
    for address, query in (("talks", OWN), ("again", {"take": str(take.pk), "voice": "own"})):
        sent = ida.client.post(f"/p/{ida.token}/explore/{address}/?{urlencode({**query, 'epoch': 0})}")
        assert (sent.status_code, sent.json()["code"]) == (409, "another_tab")


def test_engine_is_described_with_what_it_cannot_hear() -> None:
    assert "cannot hear laughter, sighs, accents or tone" in Visitor().to_talk().page


@pytest.mark.parametrize(("granted", "engines"), [(True, ["cascade", "abroad"]), (False, ["cascade"])])
def test_engine_that_somebody_else_runs_is_offered_with_consent_to_that_alone(
    granted: bool, engines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cast(dict[str, Entry], ENGINES), "abroad", Entry("Abroad", "nowhere:No", "", third_party=True))
    document = explore()
    document["offer"]["engines"].append({"engine": "abroad"})
    purpose = {"key": "third_party", "label": "Send my voice to Abroad.", "required": False}
    document["consent"]["purposes"].append(purpose)
    open_new_study(document, "both")
    make_worker(engines={"cascade": {"version": "1"}, "abroad": {"version": "1", "third_party": True}})
    ida = Visitor("both").begin()
    assert "Send my voice to Abroad." in ida.page
    ida.agree("participate", "record", "convert", *(["third_party"] if granted else []))
    assert [card.key for card in ida.response.context["offered"].engines] == engines
    assert ("Your voice is sent to somebody else, who runs it." in ida.page) == granted
    assert begin(ida, {**OWN, "engine": "abroad"}).status_code == (201 if granted else 409)


def test_question_is_asked_again_of_the_same_machine_in_another_voice() -> None:
    make_worker()
    ida = Visitor().to_talk()
    first = talked(ida, OWN)
    answer = begin(ida, {"take": str(first.pk), "voice": "higher"}, "again")
    assert answer.status_code == 201
    second = Take.objects.get(pk=answer.json()["take"])
    assert (second.asked_from, second.trial.prompt, chosen_in(second.trial)) == (
        first,
        first.trial.prompt,
        {"engine": "cascade", "voice": "higher"},
    )


def test_question_that_was_asked_again_is_asked_from_where_it_was_spoken() -> None:
    make_worker()
    ida = Visitor().to_talk()
    first = talked(ida, OWN)
    second = talked(ida, HIGHER, asked_from=first)
    answer = begin(ida, {"take": str(second.pk), "voice": "higher"}, "again").json()
    assert Take.objects.get(pk=answer["take"]).asked_from == first


def test_question_is_asked_again_in_the_voice_that_was_made_for_it() -> None:
    document = explore()
    document["offer"]["free_voice"] = True
    open_new_study(document, "free")
    make_worker()
    ida = Visitor("free").to_talk()
    made = free_schedule({"f0_ratio": 1.3})
    take = make_take(choose(ida.session, FREE, made))
    choose(ida.session, FREE, free_schedule({"f0_ratio": 0.8}))
    answer = begin(ida, {"take": str(take.pk), "voice": "free"}, "again").json()
    assert Take.objects.get(pk=answer["take"]).trial.own_voices == made


def test_question_is_not_asked_again_without_what_a_live_talk_needs() -> None:
    make_worker()
    ida = Visitor().to_talk()
    take = talked(ida, OWN)
    for take_of, state, code in (
        (take.pk, "ended", "not_filed"),
        (uuid4(), "final", "unknown_take"),
        ("x", "final", "unknown_take"),
    ):
        Take.objects.filter(pk=take.pk).update(state=state)
        assert begin(ida, {"take": str(take_of), "voice": "own"}, "again").json()["code"] == code
    take_back(ida.session, "convert")
    assert begin(ida, {"take": str(take.pk), "voice": "higher"}, "again").json()["code"] == "not_offered"
    take_back(ida.session, "record")
    assert begin(ida, {"take": str(take.pk), "voice": "own"}, "again").json()["code"] == "no_consent"
    assert Take.objects.count() == 1


def test_take_of_somebody_else_is_not_asked_again() -> None:
    make_worker()
    ida, eve = Visitor().to_talk(), Visitor().to_talk()
    foreign = talked(eve, OWN)
    assert begin(ida, {"take": str(foreign.pk), "voice": "own"}, "again").json()["code"] == "unknown_take"


def test_answers_to_one_question_stand_beside_each_other_and_the_newest_question_first() -> None:
    ida = Visitor().to_talk()
    first, other = talked(ida, OWN), talked(ida, OWN)
    again = talked(ida, HIGHER, asked_from=first)
    assert [talk.take for talk in ida.get("explore/").response.context["talks"]] == [other, first, again]
    assert ida.page.count("asked again") == 1


def test_any_number_of_takes_is_compared_in_the_order_they_were_made() -> None:
    ida = Visitor().to_talk()
    takes = [talked(ida, choice) for choice in (OWN, HIGHER, OWN, HIGHER, OWN)]
    ida.get("explore/compare/?" + urlencode([("take", take.pk) for take in reversed(takes)]))
    assert [heard.take for heard in ida.response.context["takes"]] == takes
    assert f"/p/{ida.token}/takes/{takes[0].pk}/heard.flac" in ida.page


def test_fewer_than_two_takes_or_takes_of_others_lead_back() -> None:
    ida, eve = Visitor().to_talk(), Visitor().to_talk()
    take, foreign = talked(ida, OWN), talked(eve, OWN)
    assert ida.get(f"explore/compare/?take={take.pk}").place == "explore/"
    assert ida.get(f"explore/compare/?take={take.pk}&take={foreign.pk}").place == "explore/"


def test_differences_are_shown_with_their_reasons() -> None:
    ida = Visitor().to_talk()
    takes = [talked(ida, OWN), talked(ida, HIGHER)]
    Metric.objects.all().delete()
    add_metrics(takes[0], [("agent", "speech_rate", 4.0, "syllables/s"), ("agent", "sentiment", 0.5, "")])
    add_metrics(takes[1], [("agent", "speech_rate", 5.5, "syllables/s"), ("agent", "sentiment", None, "")])
    ida.get(f"explore/compare/?take={takes[0].pk}&take={takes[1].pk}")
    table = ida.response.context["tables"][0]
    rows = {row.label: ([cell.text for cell in row.cells], row.change) for row in table.main}
    assert rows == {"Speech rate": (["4", "5.50"], "+1.50"), "Sentiment of the words, −1 to 1": (["0.50", ""], "")}
    assert "no value: too few words" in ida.response.content.decode()


def test_visitor_of_a_demo_who_is_done_is_led_home() -> None:
    ida = Visitor().to_talk().post("explore/", decision="finish")
    assert (ida.path, ida.session.state) == ("/", Session.State.FINISHED)


def machines() -> dict[str, Any]:
    """An explore study with one engine in three ways, and two that need more than this machine has."""
    document = explore()
    document["offer"]["engines"] = [
        {"engine": "cascade", "label": "An assistant", "about": "It runs here."},
        {"key": "low", "label": "A low voice", "engine": "cascade", "voice_prompt": "heart_lower"},
        {"key": "larger", "label": "A larger model", "engine": "cascade", "options": {"model": "larger"}},
        {"engine": "echo"},
        {"engine": "moshi"},
    ]
    return document


def offered(ida: Visitor) -> list[tuple[str, str, str]]:
    return [(card.key, card.label, card.unavailable) for card in ida.response.context["offered"].engines]


def test_one_engine_is_offered_in_several_ways_and_what_is_not_there_says_what_it_needs() -> None:
    open_new_study(machines(), "machines")
    make_worker(
        engines={"cascade": {"choices": {"model": ["best", "small"], "voice_prompt": ["heart", "heart_lower"]}}}
    )
    ida = Visitor("machines").to_talk()
    assert offered(ida) == [
        ("cascade", "An assistant", ""),
        ("low", "A low voice", ""),
        (
            "larger",
            "A larger model",
            "The weights for it are not on this machine: run make weights while it is connected to the internet.",
        ),
        ("echo", "Echo", ENGINES["echo"].needs),
        ("moshi", "Moshi", ENGINES["moshi"].needs),
    ]
    refused = begin(ida, {**OWN, "engine": "larger"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_available")
    assert refused.json()["message"].startswith("The weights for it are not on this machine")
    assert begin(ida, {**OWN, "engine": "low"}).status_code == 201
    trial = ida.session.trials.get()
    assert (trial.condition.key, trial.condition.engine, trial.condition.voice_prompt) == (
        "low--own",
        "cascade",
        "heart_lower",
    )
    assert "A low voice" in ida.response.content.decode()


def test_machine_is_offered_as_soon_as_a_worker_has_it() -> None:
    open_new_study(machines(), "machines")
    make_worker(engines={"moshi": {}, "echo": {}, "cascade": {"choices": {"model": ["best", "larger"]}}})
    ida = Visitor("machines").to_talk()
    assert [unavailable for _, _, unavailable in offered(ida)] == ["", "", "", "", ""]


def test_visitor_of_a_study_that_is_no_demo_gets_a_code() -> None:
    ida = Visitor().to_talk()
    Study.objects.update(is_demo=False)
    ida.post("explore/", decision="finish")
    assert (ida.place, ida.session.state) == ("debrief/", Session.State.FINISHED)
