from __future__ import annotations

from copy import deepcopy
from typing import Any, cast, get_args

import pytest

from inference.contract.catalog import ENGINES, Entry
from studies.errors import ProtocolError
from studies.protocol.reading.document import parse
from studies.protocol.rules import check_publishable
from studies.questions.registry import AnyItem
from tests.studies.protocol.documents import asking, explore, paired

TYPES = [get_args(item.model_fields["type"].annotation)[0] for item in get_args(get_args(AnyItem)[0])]


def problems(document: dict[str, Any]) -> list[str]:
    with pytest.raises(ProtocolError) as caught:
        parse(document)
    return [str(problem) for problem in caught.value.problems]


def condition(**changes: Any) -> dict[str, Any]:
    return {"key": "own", "label": "Own", "engine": "cascade", **changes}


def conditions(*, voices: list[dict[str, Any]]) -> dict[str, Any]:
    return paired(conditions=[condition(), condition(key="higher", voices=voices)])


def test_all_problems_are_told_at_once_with_their_paths() -> None:
    document = paired(kind="pared", welcom="x", prompts=[{"key": "A b", "title": 1, "card": "c"}])
    del document["debrief"]
    assert problems(document) == [
        "kind: is 'pared'; expected 'planned' or 'explore'; did you mean planned?",
        "prompts[0].key: is 'A b'; expected lower-case letters, digits, - and _ only, beginning with a letter or digit",
        "prompts[0].title: is 1; expected text; put it in quotes",
        "debrief: is missing",
        "welcom: is not a key here; did you mean welcome?",
    ]


def test_unknown_key_deep_inside_names_the_nearest_one() -> None:
    assert problems(conditions(voices=[{"preset": "higher", "strt_sec": 0.0}])) == [
        "conditions[1].voices[0].strt_sec: is not a key here; did you mean start_sec?"
    ]


def test_unknown_key_of_a_question_is_placed_without_its_type() -> None:
    rating = {"type": "likert", "key": "a", "text": "b", "low": "c", "high": "d", "point": 5}
    assert problems(asking(rating)) == ["questionnaires[2].items[0].point: is not a key here; did you mean points?"]


def test_unknown_type_of_question_lists_those_there_are() -> None:
    assert problems(asking({"type": "likrt"})) == [
        f"questionnaires[2].items[0].type: is 'likrt'; expected one of {', '.join(TYPES)}; did you mean likert?"
    ]


def test_unknown_names_are_told_with_the_nearest_known() -> None:
    document = paired(
        conditions=[condition(engine="cascad"), condition(key="higher", voices=[{"preset": "highr"}])],
        pairs=[{"prompt": "weekends", "conditions": ["own", "highr"]}],
    )
    assert problems(document) == [
        "pairs[0].prompt: there is no prompt called 'weekends'; did you mean weekend?",
        "pairs[0].conditions[1]: there is no condition called 'highr'; did you mean higher?",
        "conditions[0].engine: there is no engine called 'cascad'; did you mean cascade?",
        "conditions[1].voices[0].preset: there is no preset called 'highr'; did you mean higher?",
    ]


@pytest.mark.parametrize(
    ("voices", "problem"),
    [
        ([{}], "conditions[1].voices[0]: needs a preset or a converter"),
        (
            [{"preset": "higher", "converter": "none"}],
            "conditions[1].voices[0].converter: is set by the preset; leave one of the two out",
        ),
        (
            [{"converter": "transform", "parameters": {"f0_ratio": 9.0}}],
            "conditions[1].voices[0].parameters.f0_ratio: is 9.0; expected a number from 0.4 to 2.5",
        ),
        (
            [{"converter": "transform", "parameters": {"f0_taget_hz": 200}}],
            "conditions[1].voices[0].parameters.f0_taget_hz: is not a key here; did you mean f0_target_hz?",
        ),
        (
            [{"preset": "higher"}, {"preset": "lower", "start_sec": 10.0}],
            "conditions[1].voices[0].end_sec: has no end, but another segment follows; state when it ends",
        ),
        (
            [{"preset": "higher", "end_sec": 5.0}, {"preset": "lower", "start_sec": 10.0}],
            "conditions[1].voices[1].start_sec: is 10; expected 5, where the one before it ends",
        ),
        ([{"preset": "higher", "start_sec": 1.0}], "conditions[1].voices[0].start_sec: is 1; expected 0, where the"),
        (
            [{"preset": "higher", "end_sec": 5.0}],
            "conditions[1].voices[0].end_sec: must be left out: the last segment lasts to the end",
        ),
    ],
)
def test_voice_schedule_that_cannot_run_says_why(voices: list[dict[str, Any]], problem: str) -> None:
    assert [found[: len(problem)] for found in problems(conditions(voices=voices))] == [problem]


def test_voice_schedule_of_two_joining_segments_is_right() -> None:
    voices = [{"preset": "natural", "end_sec": 5}, {"preset": "higher", "start_sec": 5}]
    assert parse(conditions(voices=voices)).conditions[1].voices[1].start_sec == 5


def test_all_parameters_that_are_wrong_are_told() -> None:
    document = paired()
    parameters = {"f0_ratio": 9.0, "formants": 1.1, "breathiness": "a bit"}
    document["conditions"][1]["voices"] = [{"converter": "transform", "parameters": parameters}]
    told = [problem.partition(": ")[0].rpartition(".")[2] for problem in problems(document)]
    assert sorted(told) == ["breathiness", "f0_ratio", "formants"]


def test_what_does_not_fit_together_is_told_beside_parts_that_are_broken() -> None:
    """Of what refers to the broken parts themselves nothing is said: it would be a guess."""
    document = paired()
    del document["conditions"][0]["engine"]
    document["questionnaires"][0]["items"][0]["type"] = "likrt"
    document["questionnaires"][0]["items"][1]["show_if"] = {"all": [{"item": "helpful", "at_least": 99}]}
    document["questionnaires"][0]["insertion"] = []
    document["pairs"][0]["prompt"] = "weekent"
    document["conditions"][1]["voices"] = [{"converter": "transform", "parameters": {"f0_ratio": "up", "f0_rang": 1}}]
    assert {problem.partition(":")[0] for problem in problems(document)} == {
        "conditions[0].engine",
        "questionnaires[0].items[0].type",
        "questionnaires[0].insertion",
        "conditions[1].voices[0].parameters.f0_ratio",
        "conditions[1].voices[0].parameters.f0_rang",
        "pairs[0].prompt",
    }


@pytest.mark.parametrize("name", ["engine", "label", "voices"])
def test_misspelt_key_is_told_once_with_what_else_is_wrong(name: str) -> None:
    document = paired()
    condition = document["conditions"][1]
    condition[f"{name}x"] = condition.pop(name)
    document["pairs"][0]["prompt"] = "weekent"
    told = [problem for problem in problems(document) if not problem.endswith(f"{name}: is missing")]
    assert [problem.partition("; ")[0] for problem in told] == [
        f"conditions[1].{name}x: is not a key here",
        "pairs[0].prompt: there is no prompt called 'weekent'",
    ]


@pytest.mark.parametrize("name", ["conditions", "questionnaires", "pairs", "practice"])
def test_list_that_is_none_hides_what_refers_to_it(name: str) -> None:
    assert problems(paired(**{name: "later"})) == [f"{name}: is 'later'; expected a list"]


def test_version_of_newer_software_is_told() -> None:
    assert problems(paired(version=3)) == [
        "version: is 3; expected 2; that version belongs to a newer release of this software"
    ]


def test_key_that_stands_twice_is_a_problem() -> None:
    twice = {"type": "switch", "key": "helpful", "text": "Helpful?"}
    assert problems(asking(twice)) == [
        "questionnaires[2].items[0].key: 'helpful' already exists, at questionnaires[0].items[0].key; it must be unique"
    ]


def test_paired_study_without_pairs_and_explore_study_without_offer_are_problems() -> None:
    assert "pairs: is missing; a design of pairs needs at least one, or choose other design.cells" in problems(
        paired(pairs=[])
    )
    assert problems(explore(offer=None)) == [
        "offer: is missing: an explore study says which engines and voices visitors may choose"
    ]


def test_parts_of_the_other_kind_are_problems() -> None:
    assert problems(paired(offer=explore()["offer"])) == [
        "offer: belongs to kind explore; a planned study lists conditions"
    ]
    assert problems(explore(comparison={"labels": "numbers"})) == [
        "comparison: belongs to kind planned: there are no pairs; leave it out"
    ]


@pytest.mark.parametrize(
    ("purposes", "problem"),
    [
        (["participate"], "record must be present and required: every conversation is recorded"),
        (["participate", "record"], "convert must be present: a condition changes the participant's voice"),
    ],
)
def test_consent_that_does_not_cover_what_happens_is_a_problem(purposes: list[str], problem: str) -> None:
    consent = {"text": "t", "purposes": [{"key": key, "label": key} for key in purposes]}
    assert f"consent.purposes: {problem}" in problems(paired(consent=consent))


def test_optional_conversion_is_for_explore_studies_only() -> None:
    assert parse(explore()).consent.purposes[2].required is False
    assert problems(paired(consent=explore()["consent"])) == [
        "consent.purposes: convert must be required: the plan of a planned study needs every voice"
    ]


@pytest.fixture
def abroad(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's engine is in the catalogue."""
    monkeypatch.setitem(cast(dict[str, Entry], ENGINES), "abroad", Entry("Abroad", "nowhere:No", "", third_party=True))


def with_third_party(document: dict[str, Any], *, required: bool) -> dict[str, Any]:
    purpose = {"key": "third_party", "label": "Send my voice away.", "required": required}
    document["consent"]["purposes"].append(purpose)
    return document


@pytest.mark.usefixtures("abroad")
def test_engine_of_a_third_party_needs_a_consent_of_its_own() -> None:
    study = paired(conditions=[condition(engine="abroad"), condition(key="higher")])
    assert problems(study) == [
        "consent.purposes: third_party must be present: Abroad sends the participant's voice to a third party; add "
        "{key: third_party, label: My voice may be sent to a model that is run by a third party.}"
    ]
    assert problems(with_third_party(deepcopy(study), required=False)) == [
        "consent.purposes: third_party must be required: Abroad sends the participant's voice to a third party, and "
        "the plan of a planned study needs every engine"
    ]
    assert parse(with_third_party(study, required=True)).consent.purposes[-1].key == "third_party"


@pytest.mark.usefixtures("abroad")
def test_visitors_may_refuse_a_third_party_where_there_is_another_engine() -> None:
    alone, beside = explore(), explore()
    alone["offer"]["engines"] = [{"engine": "abroad"}]
    beside["offer"]["engines"] = [{"engine": "cascade"}, {"engine": "abroad"}]
    assert parse(with_third_party(beside, required=False)).consent.purposes[-1].required is False
    assert problems(with_third_party(alone, required=False)) == [
        "consent.purposes: third_party must be required: Abroad sends the participant's voice to a third party, and "
        "there is no other engine"
    ]


def test_engine_for_tests_is_valid_but_not_publishable() -> None:
    protocol = parse(paired(conditions=[condition(engine="echo"), condition(key="higher")]))
    assert [str(problem) for problem in check_publishable(protocol)] == [
        "conditions[0].engine: Echo is for tests and set-up; choose another engine to publish"
    ]
