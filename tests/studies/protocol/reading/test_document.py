from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.errors import ProtocolError
from studies.protocol.reading import yaml_text
from studies.protocol.reading.document import parse, parse_yaml, sha256_of, to_document, to_yaml
from studies.protocol.reading.yaml_text import MAX_CHARACTERS
from tests.studies.protocol.documents import explore, paired

TEMPLATES = sorted((Path(__file__).parents[4] / "studies" / "protocol" / "templates").glob("*.yaml"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_template_reads_back_from_its_own_yaml(path: Path) -> None:
    protocol = parse_yaml(path.read_text(encoding="utf-8"))
    assert parse_yaml(to_yaml(protocol)) == protocol


def test_templates_are_those_promised() -> None:
    assert [path.stem for path in TEMPLATES] == ["emotional-awareness", "explore", "paired-prompts", "server-room"]


def test_stored_document_reads_back_as_the_same_protocol() -> None:
    protocol = parse(explore())
    assert parse(to_document(protocol)) == protocol


def test_hash_ignores_order_of_keys_and_spelt_out_defaults() -> None:
    document = paired(audio={"uplink": "pcm16", "echo_cancellation": False})
    assert sha256_of(parse(dict(reversed(document.items())))) == sha256_of(parse(paired()))


def test_hash_changes_with_any_text() -> None:
    assert sha256_of(parse(paired(debrief="Thanks!"))) != sha256_of(parse(paired()))


def test_hash_is_that_of_canonical_json() -> None:
    consent = parse(paired()).consent
    canonical = (
        '{"purposes":[{"key":"participate","label":"I take part."},{"key":"record","label":"Record me."},'
        '{"key":"convert","label":"Change my voice."}],"text":"We record you."}'
    )
    assert sha256_of(consent) == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "(document): is empty; expected named values, such as `title: ...`"),
        ("- 1", "(document): is a list; expected named values, such as `title: ...`"),
        ("a: &x [1]\nb: *x", "line 2: is not valid YAML: aliases (*) are not allowed; write the value out"),
        ("a: [1", "line 1: is not valid YAML: expected ',' or ']', but got '<stream end>'"),
    ],
)
def test_yaml_that_is_no_protocol_says_where(text: str, problem: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_yaml(text)
    assert [str(found) for found in caught.value.problems] == [problem]


def test_keys_that_stand_twice_are_told_with_all_else() -> None:
    text = to_yaml(parse(paired())) + "kind: planned\nsumary: Short.\nkind: planned\n"
    with pytest.raises(ProtocolError) as caught:
        parse_yaml(text)
    assert [problem.message for problem in caught.value.problems] == [
        "is not valid YAML: 'kind' appears twice",
        "is not a key here; did you mean summary?",
        "is not valid YAML: 'kind' appears twice",
    ]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("{text: How old?, min: 0}", {"text": "How old?", "min": 0}),
        ("[Why?, What? Who?, https://a.org/?b=1]", ["Why?", "What? Who?", "https://a.org/?b=1"]),
        ("{? a: 1, b: x?y}", {"a": 1, "b": "x?y"}),
    ],
)
def test_question_mark_may_stand_between_braces(text: str, data: object) -> None:
    assert yaml_text.read(text).data == data


def test_yaml_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(ProtocolError, match="is 500,001 characters long; expected at most 500,000"):
        parse_yaml("#" * (MAX_CHARACTERS + 1))


PLACED = """\
version: 2
kind: planned
titel: Voices
summary: 3
welcome: Hi.
consent:
  text: We record you.
  purposes:
    - {key: participate, label: I take part.}
    - key: record
prompts:
  - key: weekend
    title: Weekend
    card: Talk.
debrief: Bye.
"""


def test_problems_have_the_line_and_column_of_what_they_name_in_their_order() -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_yaml(PLACED)
    assert [(found.line, found.column, str(found)) for found in caught.value.problems] == [
        (1, 1, "title: is missing"),
        (1, 1, "conditions: is missing; a planned study needs at least one condition"),
        (1, 1, "pairs: is missing; a design of pairs needs at least one, or choose other design.cells"),
        (3, 1, "titel: is not a key here; did you mean title?"),
        (4, 1, "summary: is 3; expected text; put it in quotes"),
        (10, 7, "consent.purposes[1].label: is missing"),
    ]


def test_path_that_is_not_there_has_the_line_of_what_is_around_it() -> None:
    read = yaml_text.read(PLACED)
    paths = [
        "consent.purposes[1].label",
        "consent.purposes[7].key",
        "prompts[0].sections[2].text",
        "offer.engines[0]",
        "",
    ]
    assert [read.place_of(path) for path in paths] == [(10, 7), (8, 3), (12, 5), (1, 1), (1, 1)]


def test_path_of_a_translation_is_found_though_its_key_has_dots() -> None:
    read = yaml_text.read("translations:\n  sv:\n    prompts.a.title: A\n")
    assert read.place_of("translations.sv.prompts.a.title") == (3, 5)
    assert read.place_of("translations.sv.prompts.a.card") == (2, 3)


@given(st.text())
def test_any_text_gives_a_protocol_or_problems(text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_yaml(text)
    assert caught.value.problems


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(key=st.sampled_from(sorted(paired())), value=values)
def test_any_value_in_place_of_a_good_one_gives_a_protocol_or_problems(key: str, value: object) -> None:
    try:
        protocol = parse(paired(**{key: value}))
    except ProtocolError as error:
        assert error.problems  # noqa: PT017  either outcome is right; a crash is not
    else:
        assert parse_yaml(yaml_text.write(to_document(protocol))) == protocol
