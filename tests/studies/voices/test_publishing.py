"""Target voices in protocols: named, checked, pinned."""

from __future__ import annotations

from typing import Any

import pytest

from studies.errors import Problem, ProtocolError
from studies.models import Condition, Study
from studies.protocol.reading.document import parse, parse_yaml, to_yaml
from studies.protocol.voices import check_targets, targets_of
from studies.publish import publication_problems, publish
from studies.voices import library
from tests.studies.factories import PROTOCOL
from tests.studies.protocol.documents import explore, paired
from tests.studies.voices.library import TARGETED, add_to, become, expire, make_targeted_study, make_voice

__all__ = ["become"]
pytestmark = pytest.mark.usefixtures("become")


def in_voice(**segment: Any) -> dict[str, Any]:
    document = paired(match_delay=False)
    document["conditions"][1]["voices"] = [segment]
    return document


def problems(document: dict[str, Any]) -> list[Problem]:
    with pytest.raises(ProtocolError) as caught:
        parse(document)
    return list(caught.value.problems)


PLACE = "conditions[1].voices[0]"


@pytest.mark.parametrize(
    ("segment", "problem"),
    [
        (
            {"converter": "become"},
            Problem(PLACE, "become turns one voice into another: add target: and a voice's key"),
        ),
        (
            {"converter": "transform", "target": "anna"},
            Problem(f"{PLACE}.target", "transform does not use a target voice; converters that do: become, remote_vc"),
        ),
        (
            {"preset": "lower", "target": "anna"},
            Problem(f"{PLACE}.target", "transform does not use a target voice; converters that do: become, remote_vc"),
        ),
    ],
)
def test_target_stands_exactly_where_the_converter_needs_one(segment: dict[str, Any], problem: Problem) -> None:
    assert problems(in_voice(**segment)) == [problem]


def test_lost_converter_may_give_way_only_where_it_can_be_lost() -> None:
    assert parse(in_voice(converter="become", target="anna", if_lost="sham")).conditions[1].voices[0].if_lost == "sham"
    problem = Problem(f"{PLACE}.if_lost", "transform runs beside the engine and cannot be lost alone")
    assert problems(in_voice(preset="lower", if_lost="sham")) == [problem]
    assert problems(in_voice(converter="become", target="anna", if_lost="loud"))[0].path == f"{PLACE}.if_lost"


def test_target_is_a_key() -> None:
    assert problems(in_voice(converter="become", target="../Anna"))[0].path == f"{PLACE}.target"


def test_targets_are_found_in_both_kinds_of_study() -> None:
    document = explore()
    document["offer"]["voices"][1]["voices"] = [{"converter": "become", "target": "bert"}]
    found = [*targets_of(parse(in_voice(converter="become", target="anna"))), *targets_of(parse(document))]
    assert found == [(f"{PLACE}.target", "anna"), ("offer.voices[1].voices[0].target", "bert")]


def test_unknown_target_suggests_the_nearest() -> None:
    protocol = parse(in_voice(converter="become", target="ana"))
    assert check_targets(protocol, {"anna": "", "bert": ""}) == [
        Problem(f"{PLACE}.target", "there is no target voice called 'ana'; did you mean anna?")
    ]


def test_protocol_with_a_target_reads_back() -> None:
    protocol = parse_yaml(TARGETED)
    assert parse_yaml(to_yaml(protocol)) == protocol


def test_giving_ones_voice_may_not_be_a_condition() -> None:
    purpose = {"key": "voice_donation", "label": "Others may speak in my voice."}
    document = paired()
    document["consent"]["purposes"].append(purpose)
    assert problems(document) == [
        Problem("consent.purposes", "voice_donation must be voluntary: add required: false to it")
    ]
    document["consent"]["purposes"][-1] = purpose | {"required": False}
    assert parse(document).consent.purposes[-1].key == "voice_donation"


@pytest.mark.django_db
def test_publication_pins_the_very_version() -> None:
    voice = make_voice()
    condition = make_targeted_study().conditions.get(key="lower")
    target = {"key": "anna", "name": "Anna", "version": 1, "sha256": voice.sha256}
    assert condition.voices == [
        {"target": target, "converter": "become", "preset": "", "parameters": {}, "start_sec": 0.0, "end_sec": None}
    ]
    assert [pin.voice_version for pin in condition.pinned_voices.all()] == [voice]
    assert (condition.voice_label, condition.targets) == ("become (Anna v1)", [target])


@pytest.mark.django_db
def test_other_conditions_stay_as_they_were() -> None:
    make_voice()
    own = make_targeted_study().conditions.get(key="own")
    assert "target" not in own.voices[0]
    assert own.pinned_voices.count() == 0


@pytest.mark.django_db
def test_new_version_of_a_voice_reaches_a_study_when_it_is_published_again() -> None:
    first = make_voice()
    published = make_targeted_study()
    assert make_targeted_study() == published
    second = add_to(first.voice, f0_hz=150.0)
    assert published.conditions.get(key="lower").targets[0]["version"] == 1
    again = make_targeted_study()
    assert (again.number, again.sha256) == (2, published.sha256)
    assert again.conditions.get(key="lower").targets[0]["sha256"] == second.sha256


def refusal(study: Study | None = None, text: str = TARGETED) -> list[str]:
    return [str(problem) for problem in publication_problems(parse_yaml(text), study)]


@pytest.mark.django_db
def test_voice_of_another_study_is_unknown_here() -> None:
    mine, other = (Study.objects.create(slug=slug, title=slug) for slug in ("mine", "other"))
    make_voice(study=other)
    make_voice("anton", f0_hz=120.0)
    unknown = [f"{PLACE}.target: there is no target voice called 'anna'; did you mean anton?"]
    assert [refusal(study) for study in (other, mine, None)] == [[], unknown, unknown]


@pytest.mark.django_db
def test_expired_and_withdrawn_voices_cannot_be_published(monkeypatch: pytest.MonkeyPatch) -> None:
    version = make_voice()
    study = Study.objects.create(slug="voices", title="Voices")
    with monkeypatch.context() as patch:
        expire(version, patch)
        assert refusal(study)[0].startswith(f"{PLACE}.target: anna cannot be used: the speaker's consent ended on")
    assert publish(study, parse_yaml(TARGETED)).number == 1
    library.withdraw_voice(version.voice, by="vera")
    with pytest.raises(ProtocolError, match="the speaker withdrew on"):
        publish(study, parse_yaml(TARGETED.replace("Thank you.", "Thanks.")))
    assert study.versions.count() == 1
    assert study.voice_obstacles[0].startswith("Anna v1 cannot be used: the speaker withdrew on")


@pytest.mark.django_db
def test_study_without_targets_needs_no_library() -> None:
    study = Study.objects.create(slug="voices", title="Voices")
    publish(study, parse_yaml(PROTOCOL))
    assert (Condition.objects.count(), study.voice_obstacles) == (2, [])
