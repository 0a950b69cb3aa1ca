"""Designs as they are published, written by hand: each is taken, planned and kept; with something wrong in it, each
says what, and in which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.design.balance import balance
from studies.errors import ProtocolError
from studies.protocol.reading.document import parse_yaml, sha256_of, to_yaml

FOLDER = Path(__file__).with_name("published")
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_published_design_is_written_as_it_was_read(name: str) -> None:
    protocol = parse_yaml(text_of(name))
    again = parse_yaml(to_yaml(protocol))
    assert (again, sha256_of(again)) == (protocol, sha256_of(protocol))


@pytest.mark.parametrize(
    ("name", "arms", "talks"),
    [
        ("blocks", 6, 12),
        ("graeco-latin", 4, 4),
        ("languages", 1, 2),
        ("mid-call", 1, 6),
        ("minimisation", 4, 4),
        ("questions", 4, 4),
        ("strata", 4, 4),
        ("variants", 3, 3),
    ],
)
def test_published_design_has_as_many_orders_and_talks_as_its_square(name: str, arms: int, talks: int) -> None:
    assert {*balance(parse_yaml(text_of(name)))[0].counts} == {(arms, talks)}


@pytest.mark.parametrize(
    ("name", "slips", "problems"),
    [
        (
            "graeco-latin",
            [
                ("graeco_latin", "graeco-latin"),
                ("condition: own}]", "condition: onw}]"),
                ("limit_sec: 180", "limit_sec: 3"),
            ],
            [
                "20 prompts[1].limit_sec: is 3; expected at least 5",
                "29 practice[0].condition: there is no condition called 'onw'; did you mean own?",
                "30 design.order: is 'graeco-latin'; expected 'williams', 'latin', 'graeco_latin', 'random' or "
                "'fixed'; did you mean graeco_latin?",
            ],
        ),
        (
            "variants",
            [("{prompt: doctor, condition: vc_m}", "{prompt: docter, condition: vcm}"), ("key: v3", "key: v2")],
            [
                "32 design.variants[1].trials[0].prompt: there is no prompt called 'docter'; did you mean doctor?",
                "32 design.variants[1].trials[0].condition: there is no condition called 'vcm'; did you mean vc_m?",
                "33 design.variants[2].key: 'v2' already exists, at design.variants[1].key; it must be unique",
            ],
        ),
        (
            "blocks",
            [("[natural, sham]", "[natural]"), ("break_every", "brake_every")],
            [
                "30 design.blocks: have no place for bank under sham, doctor under sham, job under sham; every "
                "conversation belongs to one block",
                "34 design.brake_every: is not a key here; did you mean break_every?",
            ],
        ),
        (
            "strata",
            [("for_answers: [woman]", "for_answers: [women]"), ("until: 2027-06-30", "until: 2027-06-31")],
            [
                "33 allocation.groups[1].for_answers[0]: is 'women', which gender cannot be; expected 'man', 'woman', "
                "'nb' or 'other'; did you mean woman?",
                "56 stopping.until: is '2027-06-31'; expected a day that exists in the calendar",
            ],
        ),
        (
            "minimisation",
            [("method: minimisation", "method: minimization"), ("strata: [gender, native]", "strata: [sex, native]")],
            [
                "28 allocation.method: is 'minimization'; expected 'blocks', 'minimisation' or 'random'; "
                "did you mean minimisation?",
            ],
        ),
        (
            "mid-call",
            [
                ("end_sec: 30}", "end_sec: 30s}"),
                ("f0_ratio: 1.4", "f0_ration: 1.4"),
                ("start_sec: 60", "start_sec: 61"),
            ],
            [
                "27 conditions[0].voices[0].end_sec: is '30s'; expected a number",
                "28 conditions[0].voices[1].parameters.f0_ration: is not a key here; did you mean f0_ratio?",
                "29 conditions[0].voices[2].start_sec: is 61; expected 60, where the one before it ends",
            ],
        ),
        (
            "questions",
            [
                ("options: scenarios", "options: scenario"),
                ("insert_after: heard", "insert_after: herd"),
                ("polite, at", "polit, at"),
            ],
            [
                "53 questionnaires[1].items[7].show_if.all[0].item: manner has no row 'polit'; did you mean polite?",
                "55 questionnaires[1].insertions[0].insert_after: this questionnaire has no item 'herd'; "
                "did you mean heard?",
                "67 questionnaires[2].items[0].options: is 'scenario'; expected a list or 'scenarios'; "
                "did you mean scenarios?",
            ],
        ),
        (
            "languages",
            [("    prompts.travel.title: رحلة\n", ""), ("sections.role.text: Du", "sections.rolle.text: Du")],
            [
                "37 translations.sv.prompts.travel.sections.role.text: is missing: what “You want to travel.” is in sv",
                "50 translations.sv.prompts.travel.sections.rolle.text: is not a text of this study; did you mean "
                "prompts.travel.sections.role.text?",
                "54 translations.ar.prompts.travel.title: is missing: what “A journey” is in ar",
            ],
        ),
    ],
)
def test_slips_in_a_published_design_are_told_at_once_in_their_lines(
    name: str, slips: list[tuple[str, str]], problems: list[str]
) -> None:
    text = text_of(name)
    for right, wrong in slips:
        assert right in text
        text = text.replace(right, wrong, 1)
    with pytest.raises(ProtocolError) as caught:
        parse_yaml(text)
    assert [f"{problem.line} {problem}" for problem in caught.value.problems] == problems
