"""Whatever a document holds, there is a protocol or a list of problems, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studies.errors import ProtocolError
from studies.protocol.reading import yaml_text
from studies.protocol.reading.document import parse, parse_yaml, sha256_of, to_yaml
from tests.extent import examples
from tests.studies.protocol.documents import paired
from tests.studies.protocol.strategies import documents

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["own", "weekend", "p0", "c_0", "q0_0", "", "\0", "\ud800", 10**400, -0.0, 1e22])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
random_documents = st.dictionaries(st.text(max_size=10) | st.integers() | st.none(), values, max_size=8)
settings_of_any = settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))


def check(document: object) -> None:
    """A protocol that can be kept, or problems with a message each."""
    try:
        protocol = parse(document)
    except ProtocolError as error:
        problems = error.problems
    else:
        assert sha256_of(parse_yaml(to_yaml(protocol))) == sha256_of(protocol)
        return
    assert problems
    assert all(problem.message for problem in problems)
    assert len({(problem.path, problem.message) for problem in problems}) == len(problems)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, but for the document itself."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in parts for found in [(*place, key), *places(part, (*place, key))]]


@settings_of_any
@given(random_documents | values)
def test_random_documents(document: object) -> None:
    check(document)


@settings_of_any
@given(document=documents(), data=st.data())
def test_valid_documents_with_something_changed(document: dict[str, Any], data: st.DataObject) -> None:
    changed = deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(changed)))
        parent = changed
        for part in place[:-1]:
            parent = parent[part]
        what = data.draw(st.sampled_from(["delete", "replace", "insert", "double"]))
        if what == "delete":
            del parent[place[-1]]
        elif what == "replace":
            parent[place[-1]] = data.draw(values)
        elif isinstance(parent, list):
            new = parent[place[-1]] if what == "double" else data.draw(values)
            parent.insert(place[-1], deepcopy(new))
        else:
            parent[data.draw(st.text(max_size=8))] = data.draw(values)
    check(changed)


@settings_of_any
@given(st.text() | values.map(lambda value: yaml_text.write(value)))
def test_any_text_has_a_line_for_each_problem(text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_yaml(text)
    assert all(problem.message for problem in caught.value.problems)


def deep(levels: int) -> object:
    value: object = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"all": value}
    return value


@pytest.mark.parametrize("levels", [19, 25, 500, 100_000])
def test_document_nested_too_deeply_is_told_so(levels: int) -> None:
    with pytest.raises(ProtocolError):
        parse({"version": 2, "screen_out": deep(levels)})


def test_number_of_thousands_of_digits_is_told() -> None:
    with pytest.raises(ProtocolError, match="duration_min: is a number of more than 40 digits"):
        parse({"version": 2, "duration_min": 10**5_000})


@pytest.mark.parametrize("number", [2**53, -1e22, 1e300])
def test_number_that_databases_write_differently_is_refused(number: float) -> None:
    with pytest.raises(ProtocolError, match=r"duration_min: is .*; expected a number up to 9,007,199,254,740,991"):
        parse({"version": 2, "duration_min": number})


def test_document_that_holds_itself_is_told_so() -> None:
    document: dict[str, Any] = {"version": 2}
    document["prompts"] = [document]
    with pytest.raises(ProtocolError, match="levels deep; expected at most 20"):
        parse(document)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1", "line 1: is not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("[" * 10_000, "line 1: is not valid YAML: it is nested too deeply"),
        ("x: 1\n\ty: 2", "line 2: is not valid YAML: a tab; indent lines with spaces only"),
        (
            "title: !!binary aGk=",
            "line 1: is not valid YAML: the tag 'tag:yaml.org,2002:binary' is not allowed; write the",
        ),
        ("title: !!python/object:os.system x", "line 1: is not valid YAML: the tag"),
        ("a: !!timestamp soon", "line 1: is not valid YAML: the tag"),
        ("a: !!int one", "line 1: is not valid YAML: 'one' is no number"),
        (
            f"a: {'9' * 5_000}",
            "line 1: is not valid YAML: what begins with '99999999999999999999' is no number (5,000 characters)",
        ),
        (
            "a: 1\n---\nb: 2",
            "line 2: is not valid YAML: another document begins here (---); put each study into its own file",
        ),
        (
            "? [a]\n: b",
            "line 1: is not valid YAML: a key that is a list or a block; write a word, or put",
        ),
        ("a: b\x00c", "line 1: is not valid YAML: a character that cannot be shown (U+0000)"),
    ],
)
def test_text_that_is_no_plain_yaml_says_where(text: str, problem: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_yaml(text)
    assert [str(found)[: len(problem)] for found in caught.value.problems] == [problem]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("no", "no"),
        ("off", "off"),
        ("12:30", "12:30"),
        ("2026-12-31", "2026-12-31"),
        ("1_000", "1_000"),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 17),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("True", True),
        ("~", None),
        ("<<", "<<"),
    ],
)
def test_yaml_is_read_as_version_1_2_does(written: str, read: object) -> None:
    data = yaml_text.read(f"a: {written}").data
    assert data == {"a": read}
    assert yaml_text.read(yaml_text.write(data)).data == data


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Of every key of every block."""
    for name, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict):
            yield (*place, name)
        yield from _places(part, (*place, name))


@pytest.mark.parametrize("place", list(_places(paired())), ids=str)
def test_any_key_that_is_misspelt_is_told(place: tuple[Any, ...]) -> None:
    document = paired()
    block: Any = document
    for part in place[:-1]:
        block = block[part]
    block[f"{place[-1]}x"] = block.pop(place[-1])
    with pytest.raises(ProtocolError) as caught:
        parse(document)
    told = "; did you mean it by typex?" if place[-1] == "type" else f"; did you mean {place[-1]}?"
    assert [problem for problem in caught.value.problems if problem.message.endswith(told)] != []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            f"a: 0x{'f' * 3_600}",
            "line 1: is not valid YAML: what begins with '0xffffffffffffffffff' is no num",
        ),
        (
            f"a: 0o{'7' * 5_000}",
            "line 1: is not valid YAML: what begins with '0o777777777777777777' is no num",
        ),
        (
            f"a: 1\nb: -.{'1' * 90}",
            "line 2: is not valid YAML: what begins with '-.111111111111111111' is no num",
        ),
        (
            "\n".join(f"k{number}: 1" for number in range(40_000)),
            "line 10000: is not valid YAML: it has more than 20,000 keys and values, more than any study needs",
        ),
        (f"a: [{'1, ' * 20_000}]", "line 1: is not valid YAML: it has more than 20,000 keys and values"),
        (f"a: {'[' * 60}{']' * 60}", "line 1: is not valid YAML: it is nested too deeply, in more than 60 levels"),
    ],
    ids=["hexadecimal", "octal", "fraction", "keys", "items", "levels"],
)
def test_what_no_study_needs_is_refused_by_a_limit(text: str, problem: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_yaml(text)
    assert [str(found)[: len(problem)] for found in caught.value.problems] == [problem]


def test_of_very_many_problems_the_first_are_told_and_the_rest_counted() -> None:
    with pytest.raises(ProtocolError) as caught:
        parse({"version": 2, **{f"k{number}": 1 for number in range(1_000)}})
    assert len(caught.value.problems) == 201
    assert caught.value.problems[-1].message == "has 807 more problems; fix these first"
