from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from studies.errors import ProtocolError
from studies.protocol.document import MAX_CHARACTERS, parse, parse_yaml, sha256_of, to_document, to_yaml
from tests.studies.protocol.documents import explore, paired

DEMOS = sorted((Path(__file__).parents[3] / "studies" / "protocol" / "demos").glob("*.yaml"))


@pytest.mark.parametrize("path", DEMOS, ids=lambda path: path.stem)
def test_demo_reads_back_from_its_own_yaml(path: Path) -> None:
    protocol = parse_yaml(path.read_text(encoding="utf-8"))
    assert parse_yaml(to_yaml(protocol)) == protocol


def test_demos_are_those_promised() -> None:
    assert [path.stem for path in DEMOS] == ["explore", "paired-prompts"]


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
        '{"purposes":[{"key":"participate","label":"I take part.","required":true},'
        '{"key":"record","label":"Record me.","required":true},'
        '{"key":"convert","label":"Change my voice.","required":true}],"text":"We record you."}'
    )
    assert sha256_of(consent) == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "(document): must be a block of named values, such as `title: ...`"),
        ("- 1", "(document): must be a block of named values, such as `title: ...`"),
        ("title: a\ntitle: b", "line 2: is not valid YAML: 'title' stands twice"),
        ("a: &x [1]\nb: *x", "line 2: is not valid YAML: aliases (*) are not allowed; write it out"),
        ("a: [1", "line 1: is not valid YAML: expected ',' or ']', but got '<stream end>'"),
    ],
)
def test_yaml_that_is_no_protocol_says_where(text: str, problem: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_yaml(text)
    assert [str(found) for found in caught.value.problems] == [problem]


def test_yaml_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(ProtocolError, match="longer than 500,000 characters"):
        parse_yaml("#" * (MAX_CHARACTERS + 1))


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
        assert parse_yaml(yaml.safe_dump(to_document(protocol))) == protocol
