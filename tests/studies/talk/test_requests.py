from __future__ import annotations

from typing import Any

import pytest

from studies.models import Condition, Prompt, ProtocolVersion, Session, Take
from studies.protocol.languages import texts_of
from studies.protocol.reading.document import parse, parse_yaml, to_document
from studies.publish import publish
from studies.talk import takes
from studies.talk.requests import slot_request
from tests.studies.factories import PROTOCOL, make_session, make_study
from tests.studies.unguarded import unguarded

pytestmark = pytest.mark.django_db


def version_with(**condition: Any) -> ProtocolVersion:
    version = make_study()
    with unguarded():
        Condition.objects.filter(version=version).update(**condition)
    return version


def seeds(version: ProtocolVersion, code: str, session_seed: int) -> list[int]:
    """Of two takes of the first trial and one of the second."""
    session = make_session(version, code)
    Session.objects.filter(pk=session.pk).update(seed=session_seed)
    own, other = session.trials.select_related("session", "condition", "prompt")
    own.session.seed = other.session.seed = session_seed
    return [slot_request(takes.start_take(trial)).seed for trial in (own, own, other)]


def test_seed_of_each_take_differs_and_can_be_derived_again() -> None:
    version = version_with(seed={"policy": "take", "value": None})
    first = seeds(version, "P-1", 7)
    assert len(set(first)) == 3
    assert seeds(version, "P-2", 7) == first
    assert set(seeds(version, "P-3", 8)).isdisjoint(first)


def test_seed_of_a_session_is_shared_by_its_takes() -> None:
    version = version_with(seed={"policy": "session", "value": None})
    first, second = seeds(version, "P-1", 7), seeds(version, "P-2", 8)
    assert (len(set(first)), len(set(second)), len({*first, *second})) == (1, 1, 2)


def test_fixed_seed_is_everybodys() -> None:
    version = version_with(seed={"policy": "fixed", "value": 4_711})
    assert {*seeds(version, "P-1", 7), *seeds(version, "P-2", 8)} == {4_711}


@pytest.mark.parametrize(
    ("of_condition", "of_prompt", "sent"),
    [("Be brief.", "You sell bread.", "Be brief.\n\nYou sell bread."), ("", "You sell bread.", "You sell bread."),
     ("Be brief.", "", "Be brief."), ("", "", "")],
)  # fmt: skip
def test_text_prompt_of_the_prompt_follows_the_conditions(of_condition: str, of_prompt: str, sent: str) -> None:
    version = version_with(text_prompt=of_condition)
    with unguarded():
        Prompt.objects.update(text_prompt=of_prompt)
    take = takes.start_take(make_session(version).trials.all()[0])
    assert slot_request(take).text_prompt == sent


@pytest.mark.parametrize(("of_condition", "sent"), [("warm.wav", "warm.wav"), ("", "calm.wav")])
def test_voice_prompt_of_the_prompt_stands_in(of_condition: str, sent: str) -> None:
    version = version_with(voice_prompt=of_condition)
    with unguarded():
        Prompt.objects.update(voice_prompt="calm.wav")
    assert slot_request(takes.start_take(make_session(version).trials.all()[0])).voice_prompt == sent


def test_model_is_prompted_in_the_sessions_language() -> None:
    study = make_study().study
    document = to_document(parse_yaml(PROTOCOL))
    document["languages"] = ["en", "sv"]
    document["conditions"][0]["text_prompt"] = "Be brief."
    document["prompts"][0]["text_prompt"] = "You sell bread."
    document["translations"] = {"sv": {"conditions.own.text_prompt": "Fatta dig kort."}}
    version = publish_anyway(study, document)
    session = make_session(version)
    Session.objects.update(language="sv")
    take = takes.start_take(Session.objects.get(pk=session.pk).trials.all()[0])
    assert slot_request(take).text_prompt == "Fatta dig kort.\n\nYou sell bread."


def test_what_was_sent_stays_though_the_language_changes() -> None:
    version = version_with(text_prompt="Be brief.")
    take = takes.start_take(make_session(version).trials.all()[0])
    before = slot_request(take)
    with unguarded():
        Condition.objects.update(text_prompt="Be long.")
    assert slot_request(Take.objects.get(pk=take.pk)) == before
    assert take.request == {
        "engine": "cascade",
        "options": {},
        "text_prompt": "Be brief.",
        "voice_prompt": "",
        "seed": before.seed,
    }


def publish_anyway(study: Any, document: dict[str, Any]) -> ProtocolVersion:
    """With texts that Swedish still lacks, which say nothing here."""
    texts = texts_of(parse({**document, "languages": ["en"], "translations": {}}))
    document["translations"]["sv"] = {**texts, **document["translations"]["sv"]}
    return publish(study, parse(document))
