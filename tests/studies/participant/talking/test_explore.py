from __future__ import annotations

from typing import Any, cast

import pytest

from inference.contract.catalog import ENGINES, Entry
from studies.models import Metric, Session, Take
from tests.studies.factories import add_metrics, make_worker
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import explore

pytestmark = pytest.mark.django_db

OWN = {"prompt": "weekend", "voice": "own", "engine": "cascade"}
HIGHER = {**OWN, "voice": "higher"}


@pytest.fixture(autouse=True)
def study() -> None:
    open_new_study(explore())


def talked(ida: Visitor, choice: dict[str, str]) -> Take:
    ida.post("explore/", **choice)
    return ida.talk()


def test_visitor_chooses_talks_and_comes_back_to_the_choice() -> None:
    ida = Visitor().to_talk()
    assert ida.place == "explore/"
    ida.post("explore/", **HIGHER)
    assert ida.place == "talk/0/"
    ida.talk()
    assert ida.place == "explore/"
    trial = ida.session.trials.get()
    assert (trial.condition.voices[0]["preset"], trial.prompt.key, trial.pair) == ("higher", "weekend", None)


def test_engine_is_described_with_what_it_cannot_hear() -> None:
    assert "cannot hear laughter, sighs, accents or tone" in Visitor().to_talk().response.content.decode()


def test_choice_sent_twice_makes_one_trial_and_asking_again_another() -> None:
    ida = Visitor().to_talk().post("explore/", **OWN).post("explore/", **OWN)
    assert ida.session.trials.count() == 1
    ida.talk()
    ida.post("explore/", **OWN)
    assert ida.place == "talk/1/"


def test_choice_that_is_not_offered_is_refused_and_the_rest_kept() -> None:
    ida = Visitor().to_talk().post("explore/", **{**HIGHER, "engine": "echo"})
    assert ida.response.status_code == 422
    assert list(ida.response.context["form"].errors) == ["engine"]
    assert ida.session.trials.count() == 0


def test_without_consent_to_conversion_there_is_only_the_own_voice() -> None:
    ida = Visitor().begin().agree("participate", "record").check()
    assert [card.key for card in ida.response.context["offered"].voices] == ["own"]
    assert ida.post("explore/", **HIGHER).response.status_code == 422


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
    ida = Visitor("both").begin()
    assert "Send my voice to Abroad." in ida.response.content.decode()
    ida.agree("participate", "record", "convert", *(["third_party"] if granted else [])).check()
    assert [card.key for card in ida.response.context["offered"].engines] == engines
    assert ("Your voice is sent to somebody else, who runs it." in ida.response.content.decode()) == granted
    ida.post("explore/", **{**OWN, "engine": "abroad"})
    assert ida.place == ("talk/0/" if granted else "explore/")
    assert (ida.session.consent("third_party") is not None) == granted


def test_takes_are_put_side_by_side_in_the_order_they_were_made() -> None:
    ida = Visitor().to_talk()
    first, second = talked(ida, OWN), talked(ida, HIGHER)
    ida.get(f"explore/compare/?take={second.pk}&take={first.pk}")
    assert [heard.take.pk for heard in ida.response.context["takes"]] == [first.pk, second.pk]
    assert f"/p/{ida.token}/takes/{first.pk}/heard.flac" in ida.response.content.decode()


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


def test_visitor_finishes_when_done() -> None:
    ida = Visitor().to_talk().post("explore/", decision="finish")
    assert ida.place == "debrief/"
    assert ida.session.state == Session.State.FINISHED


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
    assert ida.post("explore/", **{**OWN, "engine": "larger"}).response.status_code == 422
    ida.post("explore/", **{**OWN, "engine": "low"})
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
