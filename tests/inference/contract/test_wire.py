"""The wire: every message there and back, and everything else refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.contract import wire
from inference.contract.errors import WireError
from inference.contract.wire import AudioFrame, Kind, Message

FIXTURE: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "wire.json").read_text())
TYPE_NAMES: dict[Any, str] = {
    int: "integer",
    (int, float): "number",
    str: "string",
    dict: "object",
    bool: "boolean",
}


def names(cases: list[dict[str, Any]]) -> list[str]:
    return [case["name"] for case in cases]


def from_fixture(fields: dict[str, Any]) -> Message:
    """A message as the fixture describes it: `pcm` and `data` of Opus are hexadecimal."""
    fields = dict(fields)
    kind = Kind[fields.pop("kind").upper()]
    match kind:
        case Kind.PARTICIPANT | Kind.AGENT | Kind.HEARD:
            return AudioFrame(kind, fields["sequence"], fields["sample"], bytes.fromhex(fields["pcm"]))
        case Kind.OPUS:
            return wire.Opus(bytes.fromhex(fields["data"]))
    classes: dict[Kind, type[Any]] = {
        Kind.HANDSHAKE: wire.Handshake,
        Kind.PING: wire.Ping,
        Kind.TEXT: wire.Text,
        Kind.CONTROL: wire.Control,
        Kind.METADATA: wire.Metadata,
        Kind.ERROR: wire.ErrorMessage,
        Kind.ACK: wire.Ack,
        Kind.PLAYBACK: wire.Playback,
    }
    message: Message = classes[kind](**fields)
    return message


@pytest.mark.parametrize("case", FIXTURE["cases"], ids=names(FIXTURE["cases"]))
def test_encode_fixture(case: dict[str, Any]) -> None:
    assert wire.encode(from_fixture(case["message"])).hex() == case["hex"]


@pytest.mark.parametrize("case", FIXTURE["cases"], ids=names(FIXTURE["cases"]))
def test_decode_fixture(case: dict[str, Any]) -> None:
    assert wire.decode(bytes.fromhex(case["hex"])) == from_fixture(case["message"])


@pytest.mark.parametrize("case", FIXTURE["bad"], ids=names(FIXTURE["bad"]))
def test_decode_bad_bytes(case: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        wire.decode(bytes.fromhex(case["hex"]))


def test_fixture_has_every_event_and_kind() -> None:
    events = {case["message"]["event"] for case in FIXTURE["cases"] if case["message"]["kind"] == "metadata"}
    assert events == set(wire.EVENTS)
    assert {case["message"]["kind"] for case in FIXTURE["cases"]} == {kind.name.lower() for kind in Kind}


def test_fixture_tables_equal_code() -> None:
    events = {event: {name: TYPE_NAMES[kind] for name, kind in fields.items()} for event, fields in wire.EVENTS.items()}
    assert FIXTURE["events"] == events
    assert FIXTURE["kinds"] == {kind.name.lower(): int(kind) for kind in Kind}
    assert FIXTURE["control_actions"] == list(wire.CONTROL_ACTIONS)
    assert FIXTURE["limits"] == {
        "max_audio_bytes": wire.MAX_AUDIO_BYTES,
        "max_json_bytes": wire.MAX_JSON_BYTES,
        "max_opus_bytes": wire.MAX_OPUS_BYTES,
        "downlink_window_frames": wire.DOWNLINK_WINDOW_FRAMES,
        "audio_header_bytes": wire.AUDIO_HEADER.size,
    }


UINT32 = st.integers(0, wire.MAX_UINT32)
UINT64 = st.integers(0, 2**64 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FIELDS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**63), 2**63),
    (int, float): st.integers(0, 2**53) | st.floats(allow_nan=False, allow_infinity=False),
    str: TEXT,
    dict: st.dictionaries(TEXT, JSON, max_size=3),
    bool: st.booleans(),
}


@st.composite
def metadata(draw: st.DrawFn) -> wire.Metadata:
    event = draw(st.sampled_from(sorted(wire.EVENTS)))
    further = draw(st.dictionaries(TEXT.filter(lambda key: key != "event"), JSON, max_size=2))
    return wire.Metadata(event, {**further, **{key: draw(FIELDS[kind]) for key, kind in wire.EVENTS[event].items()}})


MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(wire.Handshake),
    st.builds(wire.Ping),
    st.builds(wire.Opus, st.binary(max_size=500)),
    st.builds(wire.Text, TEXT),
    st.builds(wire.Control, st.integers(0, len(wire.CONTROL_ACTIONS) - 1)),
    metadata(),
    st.builds(wire.ErrorMessage, TEXT, TEXT),
    st.builds(
        AudioFrame,
        st.sampled_from(sorted(wire.AUDIO_KINDS)),
        UINT32,
        UINT64,
        st.binary(min_size=1, max_size=wire.MAX_AUDIO_BYTES // 2).map(lambda half: half + half),
    ),
    st.builds(wire.Ack, UINT32),
    st.builds(wire.Playback, UINT32, UINT32, UINT64, UINT32, UINT32),
)


@given(MESSAGES)
def test_round_trip(message: Message) -> None:
    assert wire.decode(wire.encode(message)) == message


@given(st.binary(max_size=100) | st.builds(lambda kind, rest: bytes([kind]) + rest, st.sampled_from(Kind), st.binary()))
def test_decode_any_bytes(data: bytes) -> None:
    try:
        message = wire.decode(data)
    except WireError:
        return
    assert wire.decode(wire.encode(message)) == message


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", '"\\ud800"'])
def test_decode_metadata_no_one_can_write_again(number: str) -> None:
    body = f'{{"event": "device", "settings": {{"gain": {number}}}}}'
    with pytest.raises(WireError):
        wire.decode(b"\x04" + body.encode())


def test_encode_unknown_event() -> None:
    with pytest.raises(WireError) as caught:
        wire.encode(wire.Metadata("coffee"))
    assert (caught.value.expected, caught.value.found) == ("an event of the protocol", "'coffee'")


def test_encode_nan() -> None:
    with pytest.raises(WireError):
        wire.encode(wire.Metadata("words", {"text": "a", "start_ms": float("nan"), "end_ms": 1, "turn": 1}))


def test_encode_bool_for_number() -> None:
    with pytest.raises(WireError):
        wire.encode(wire.Metadata("queue", {"position": True}))
