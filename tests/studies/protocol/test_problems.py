from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import pytest

from inference.catalog import ENGINES, Entry
from studies.errors import ProtocolError
from studies.protocol.document import parse
from studies.protocol.rules import check_publishable
from tests.studies.protocol.documents import explore, paired


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
        "kind: is 'pared'; expected 'paired' or 'explore'",
        "prompts[0].key: is 'A b'; only small letters, digits, - and _ (pattern ^[a-z0-9][a-z0-9_-]*$)",
        "prompts[0].title: must be text; put it in quotes if it looks like something else",
        "debrief: is missing",
        "welcom: is not a key here; did you mean welcome?",
    ]


def test_unknown_key_deep_inside_names_the_nearest_one() -> None:
    assert problems(conditions(voices=[{"preset": "higher", "strt_sec": 0.0}])) == [
        "conditions[1].voices[0].strt_sec: is not a key here; did you mean start_sec?"
    ]


def test_unknown_key_of_a_question_is_placed_without_its_type() -> None:
    rating = {"type": "likert", "key": "a", "text": "b", "low": "c", "high": "d", "point": 5}
    assert problems(paired(ratings=[rating])) == ["ratings[0].point: is not a key here; did you mean points?"]


def test_unknown_type_of_question_lists_those_there_are() -> None:
    assert problems(paired(ratings=[{"type": "likrt"}])) == [
        "ratings[0].type: is 'likrt'; expected 'likert', 'choice', 'text'"
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
            [{"preset": "higher"}, {"preset": "lower", "start_sec": 10.0}],
            "conditions[1].voices[0].end_sec: is open, but another segment follows; say when it ends",
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


def test_key_that_stands_twice_is_a_problem() -> None:
    assert problems(paired(comparison=[{"key": "a", "text": "b"}, {"key": "a", "text": "c"}])) == [
        "comparison[1]: 'a' is there already; each key may stand once"
    ]


def test_paired_study_without_pairs_and_explore_study_without_offer_are_problems() -> None:
    assert problems(paired(pairs=[])) == ["pairs: a paired study needs at least one"]
    assert problems(explore(offer=None)) == [
        "offer: an explore study needs one: which engines and voices visitors may choose"
    ]


def test_parts_of_the_other_kind_are_problems() -> None:
    assert problems(paired(offer=explore()["offer"])) == [
        "offer: belongs to kind explore; a paired study lists conditions and pairs"
    ]
    assert problems(explore(comparison=paired()["comparison"])) == ["comparison: is asked in paired studies only"]


@pytest.mark.parametrize(
    ("purposes", "problem"),
    [
        (["participate"], "record must be there and required: every talk is recorded"),
        (["participate", "record"], "convert must be there: a condition changes the participant's voice"),
    ],
)
def test_consent_that_does_not_cover_what_happens_is_a_problem(purposes: list[str], problem: str) -> None:
    consent = {"text": "t", "purposes": [{"key": key, "label": key} for key in purposes]}
    assert f"consent.purposes: {problem}" in problems(paired(consent=consent))


def test_optional_conversion_is_for_explore_studies_only() -> None:
    assert parse(explore()).consent.purposes[2].required is False
    assert problems(paired(consent=explore()["consent"])) == [
        "consent.purposes: convert must be required: the plan of a paired study needs every voice"
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
        "consent.purposes: third_party must be there: Abroad sends the participant's voice to somebody else; add "
        "{key: third_party, label: My voice may be sent to a model run by somebody else.}"
    ]
    assert problems(with_third_party(deepcopy(study), required=False)) == [
        "consent.purposes: third_party must be required: Abroad sends the participant's voice to somebody else, and "
        "the plan of a paired study needs every engine"
    ]
    assert parse(with_third_party(study, required=True)).consent.purposes[-1].key == "third_party"


@pytest.mark.usefixtures("abroad")
def test_visitors_may_refuse_a_third_party_where_there_is_another_engine() -> None:
    alone, beside = explore(), explore()
    alone["offer"]["engines"] = [{"engine": "abroad"}]
    beside["offer"]["engines"] = [{"engine": "cascade"}, {"engine": "abroad"}]
    assert parse(with_third_party(beside, required=False)).consent.purposes[-1].required is False
    assert problems(with_third_party(alone, required=False)) == [
        "consent.purposes: third_party must be required: Abroad sends the participant's voice to somebody else, and "
        "there is no other engine"
    ]


def test_engine_for_tests_is_valid_but_not_publishable() -> None:
    protocol = parse(paired(conditions=[condition(engine="echo"), condition(key="higher")]))
    assert [str(problem) for problem in check_publishable(protocol)] == [
        "conditions[0].engine: Echo is for tests and set-up; choose another engine to publish"
    ]
