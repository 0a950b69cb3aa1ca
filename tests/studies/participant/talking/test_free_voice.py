"""A voice of the visitor's own making: offered, checked, kept with the trial, run, exported."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studies.errors import FrozenError, ProtocolError
from studies.models import Take, Trial
from studies.protocol.reading.document import parse
from studies.talk.requests import slot_request
from studies.talk.takes import start_take
from tests.studies.exports.reading import read_table
from tests.studies.factories import make_researcher, make_take
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import explore

pytestmark = pytest.mark.django_db

MADE = {"f0_ratio": 1.3, "formant_ratio": 1.1, "f0_range": 1.0, "breathiness": 0.25}
SENT = {**MADE, "prompt": "weekend", "engine": "cascade"}


def with_free_voice(**changes: Any) -> dict[str, Any]:
    document = explore(**changes)
    document["offer"]["free_voice"] = True
    return document


@pytest.fixture
def ida() -> Visitor:
    open_new_study(with_free_voice())
    return Visitor().to_talk()


def test_voice_is_kept_with_its_trial_and_run(ida: Visitor) -> None:
    ida.post("explore/voice/", **SENT)
    assert (ida.place, ida.response.context["form"]["voice"].value()) == ("explore/", "free")
    trial = ida.session.trials.get()
    assert trial.condition.key == "cascade--free"
    assert trial.voices == [
        {"converter": "transform", "preset": "", "parameters": MADE, "start_sec": 0, "end_sec": None}
    ]
    request = slot_request(start_take(trial))
    [segment] = request.voices
    assert (segment.converter, segment.parameters) == ("transform", MADE)
    assert request.latency_samples == trial.condition.latency_samples


def test_voice_has_a_name_for_people_and_for_tables(ida: Visitor) -> None:
    trial = ida.post("explore/voice/", **SENT).session.trials.get()
    assert trial.label == "A voice of your own making: Pitch ×1.3, Resonances ×1.1, Breathiness 0.25"
    make_take(trial)
    assert trial.label in ida.get("explore/").response.content.decode()
    [row] = read_table(trial.session.study, make_researcher("rosa"))
    assert row["voice"] == "transform (f0_ratio 1.3, formant_ratio 1.1, f0_range 1, breathiness 0.25)"
    assert json.loads(row["voice_schedule"]) == trial.own_voices


def test_plan_with_its_voice_is_frozen(ida: Visitor) -> None:
    trial = ida.post("explore/voice/", **SENT).session.trials.get()
    trial.voices[0]["parameters"]["f0_ratio"] = 2.0
    with pytest.raises(FrozenError):
        trial.save()


def test_same_voice_sent_twice_makes_one_trial_and_another_voice_another(ida: Visitor) -> None:
    ida.post("explore/voice/", **SENT).post("explore/voice/", **SENT)
    assert ida.session.trials.count() == 1
    ida.post("explore/voice/", **{**SENT, "f0_ratio": 0.8})
    assert [trial.voices[0]["parameters"]["f0_ratio"] for trial in ida.session.trials.all()] == [1.3, 0.8]


def test_sliders_begin_where_they_were_left(ida: Visitor) -> None:
    assert ida.get("explore/voice/").response.context["form"].initial["f0_ratio"] == 1.0
    ida.post("explore/voice/", **SENT)
    asked = ida.get("explore/voice/?prompt=weekend").response.context["form"].initial
    assert {name: asked[name] for name in MADE} == MADE


@pytest.mark.parametrize(
    ("sent", "field"),
    [({"f0_ratio": 2.6}, "f0_ratio"), ({"formant_ratio": "nan"}, "formant_ratio"), ({"prompt": "other"}, "prompt")],
)
def test_voice_that_cannot_be_is_refused(ida: Visitor, sent: dict[str, Any], field: str) -> None:
    ida.post("explore/voice/", **{**SENT, **sent})
    assert ida.response.status_code == 422
    assert list(ida.response.context["form"].errors) == [field]
    assert not Trial.objects.exists()


def test_without_consent_to_conversion_there_is_none() -> None:
    open_new_study(with_free_voice())
    ida = Visitor().begin().agree("participate", "record").check()
    assert "Make a voice" not in ida.response.content.decode()
    assert ida.post("explore/voice/", **SENT).place == "explore/"
    assert not Take.objects.exists()


def test_study_that_does_not_offer_it_has_none() -> None:
    open_new_study(explore())
    ida = Visitor().to_talk()
    assert "Make a voice" not in ida.response.content.decode()
    assert ida.get("explore/voice/").place == "explore/"


def test_page_says_that_it_does_not_anonymise(ida: Visitor) -> None:
    assert "not an anonymous voice" in ida.get("explore/voice/").response.content.decode()


def test_key_of_the_free_voice_is_taken() -> None:
    document = with_free_voice()
    document["offer"]["voices"][1]["key"] = "free"
    with pytest.raises(ProtocolError, match=r"offer\.voices\[1\]: 'free' stands for the free voice"):
        parse(document)


def test_free_voice_needs_a_consent_to_conversion() -> None:
    document = with_free_voice()
    document["offer"]["voices"] = document["offer"]["voices"][:1]
    document["consent"]["purposes"].pop()
    with pytest.raises(ProtocolError, match="convert must be present"):
        parse(document)
