"""What changed from one version of a study to the next."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings

from studies.protocol.diff import Change, changes, in_words
from studies.protocol.reading.document import parse, sha256_of
from studies.protocol.schema import Protocol
from tests.extent import examples
from tests.studies.protocol.documents import paired, paired_with
from tests.studies.protocol.strategies import protocols


def between(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    return changes(parse(old), parse(new))


def test_same_study_has_no_changes_however_it_is_written() -> None:
    found = between(paired(), dict(reversed(paired(audio={"uplink": "pcm16"}).items())))
    assert (found, in_words(found)) == ([], "nothing changed")


def test_change_deep_inside_is_named_by_keys() -> None:
    new = paired()
    new["prompts"][0]["limit_sec"] = 45
    new["questionnaires"][0]["items"][0]["points"] = 5
    assert between(paired(), new) == [
        Change("questionnaires.rating.items.helpful.points", "changed", 7, 5),
        Change("prompts.weekend.limit_sec", "changed", 30, 45),
    ]


def test_what_came_and_what_went() -> None:
    new = paired(duration_min=10, main_intro="Now.")
    new["questionnaires"][0]["items"][1] = {"type": "switch", "key": "again", "text": "Again?"}
    remark = {"type": "long_text", "key": "remark", "text": "Remarks?", "required": False}
    assert between(paired(), new) == [
        Change("duration_min", "added", new=10),
        Change("questionnaires.rating.items.remark", "removed", old=remark),
        Change("questionnaires.rating.items.again", "added", new={"type": "switch", "key": "again", "text": "Again?"}),
        Change("main_intro", "added", new="Now."),
    ]


def test_part_that_moved_is_told_once() -> None:
    old, new = paired_with(4), paired_with(4)
    new["prompts"].append(new["prompts"].pop(0))
    assert between(old, new) == [Change("prompts.p0", "moved", 1, 4)]


def test_part_that_moved_and_changed_is_told_for_both() -> None:
    old, new = paired_with(3), paired_with(3)
    new["prompts"].insert(0, {**new["prompts"].pop(), "title": "New"})
    assert between(old, new) == [
        Change("prompts.p2", "moved", 3, 1),
        Change("prompts.p2.title", "changed", "Prompt 2", "New"),
    ]


def test_item_of_another_type_changes_as_a_whole() -> None:
    new = paired()
    new["questionnaires"][0]["items"][1] = {
        "type": "short_text",
        "key": "remark",
        "text": "Remarks?",
        "required": False,
    }
    (change,) = between(paired(), new)
    assert (change.path, change.kind, change.old["type"], change.new["type"]) == (
        "questionnaires.rating.items.remark",
        "changed",
        "long_text",
        "short_text",
    )


def test_voice_schedule_is_compared_stretch_by_stretch() -> None:
    new = paired()
    new["conditions"][1]["voices"] = [{"preset": "natural", "end_sec": 5}, {"preset": "higher", "start_sec": 5}]
    assert between(paired(), new) == [
        Change("conditions.higher.voices[0].preset", "changed", "higher", "natural"),
        Change("conditions.higher.voices[0].end_sec", "added", new=5.0),
        Change("conditions.higher.voices[1]", "added", new={"preset": "higher", "start_sec": 5.0}),
    ]


def test_yes_in_place_of_one_is_a_change() -> None:
    was = parse(paired())
    one, yes = (
        was.model_copy(update={"conditions": [was.conditions[0].model_copy(update={"options": {"strict": value}})]})
        for value in (1, True)
    )
    assert changes(one, yes) == [Change("conditions.own.options.strict", "changed", 1, True)]


def test_words_show_the_lines_of_a_text_that_differ() -> None:
    new = paired(welcome="Hello.\nStay long.\nBye.", debrief="Thanks.")
    old = paired(welcome="Hello.\nStay a while.\nBye.")
    assert in_words(between(old, new)).splitlines() == [
        "~ welcome:",
        "    - Stay a while.",
        "    + Stay long.",
        "~ debrief: Thank you. -> Thanks.",
    ]


def test_words_show_what_came_and_went_whole_as_the_document_says_it() -> None:
    new = paired(match_delay=False, languages=["en"])
    new["questionnaires"][0]["items"][1:] = [{"type": "switch", "key": "again", "text": "Again"}]
    assert in_words(between(paired(), new)).splitlines() == [
        "- questionnaires.rating.items.remark:",
        "    key: remark",
        "    text: Remarks?",
        "    required: false",
        "    type: long_text",
        "+ questionnaires.rating.items.again: {key: again, text: Again, type: switch}",
        "~ match_delay: true -> false",
    ]


@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
@given(protocols(), protocols())
def test_there_are_changes_exactly_when_the_hashes_differ(old: Protocol, new: Protocol) -> None:
    assert changes(old, old) == []
    assert bool(changes(old, new)) == (sha256_of(old) != sha256_of(new))
    assert in_words(changes(old, new))
