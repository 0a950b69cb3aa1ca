"""Slot tokens and heartbeats: signed, expiring, used once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from inference.contract.errors import TokenError
from inference.contract.tokens import (
    HEARTBEAT,
    PREVIEW,
    SLOT,
    STATE,
    PreviewRequest,
    SlotRequest,
    TokenReader,
    VoiceSegment,
    sign,
)

SECRET = "a secret of the tests, long enough"
OTHER = "another secret, it is as long as it"
REQUEST = SlotRequest(
    take="7d0d2b0c",
    engine="echo",
    options={"temperature": 0.5},
    text_prompt="You are calm.",
    seed=7,
    moved_from="ws://gpu-1:8700",
    voices=(VoiceSegment("none", 0, 48_000), VoiceSegment("transform", 48_000, None, {"f0_ratio": 1.7}, 3)),
)


def refused(token: str, secret: str = SECRET) -> str:
    with pytest.raises(TokenError) as caught:
        TokenReader(secret).read(SLOT, token)
    return caught.value.reason


def test_read_what_was_signed() -> None:
    assert TokenReader(SECRET).read(SLOT, sign(SLOT, REQUEST, SECRET)) == REQUEST


def test_read_twice_is_a_replay() -> None:
    reader, token = TokenReader(SECRET), sign(SLOT, REQUEST, SECRET)
    reader.read(SLOT, token)
    with pytest.raises(TokenError) as caught:
        reader.read(SLOT, token)
    assert (caught.value.code, caught.value.reason) == ("bad_token", "replayed")


def test_read_two_tokens_for_one_take() -> None:
    reader = TokenReader(SECRET)
    assert [reader.read(SLOT, sign(SLOT, REQUEST, SECRET)) for _ in range(2)] == [REQUEST, REQUEST]


def test_read_expired() -> None:
    assert refused(sign(SLOT, REQUEST, SECRET, ttl_sec=-1)) == "expired"


def test_read_other_secret() -> None:
    assert refused(sign(SLOT, REQUEST, OTHER)) == "invalid"


def test_read_unsigned() -> None:
    claims = {
        "aud": SLOT.name,
        "exp": time.time() + 30,
        "jti": "1",
        "slot": {"take": "a", "engine": "echo", "voices": []},
    }
    assert refused(jwt.encode(claims, "", algorithm="none")) == "invalid"


@pytest.mark.parametrize("token", ["", "a.b.c", "not a token"])
def test_read_no_token(token: str) -> None:
    assert refused(token) == "invalid"


def test_state_request_there_and_back_once() -> None:
    reader, token = TokenReader(SECRET), sign(STATE, "take-1", SECRET)
    assert reader.read(STATE, token) == "take-1"
    with pytest.raises(TokenError) as caught:
        reader.read(STATE, token)
    assert caught.value.reason == "replayed"


@pytest.mark.parametrize(
    "make_token",
    [
        lambda: sign(SLOT, REQUEST, SECRET, 50),
        lambda: sign(STATE, "take-1", OTHER, 50),
        lambda: jwt.encode({"aud": STATE.name, "exp": time.time() + 30, "jti": "1", "take": ["take-1"]}, SECRET),
        lambda: jwt.encode({"aud": STATE.name, "exp": time.time() + 30, "jti": "1"}, SECRET),
    ],
    ids=["slot token", "other secret", "no name", "nothing"],
)
def test_state_request_refused(make_token: Callable[[], str]) -> None:
    with pytest.raises(TokenError) as caught:
        TokenReader(SECRET).read(STATE, make_token())
    assert caught.value.reason == "invalid"


def test_read_state_request_as_slot_token() -> None:
    assert refused(sign(STATE, "take-1", SECRET)) == "invalid"


def test_read_heartbeat_as_slot_token() -> None:
    assert refused(sign(HEARTBEAT, {"name": "a"}, SECRET)) == "invalid"


@pytest.mark.parametrize("slot", [{}, {"take": "a", "engine": "echo"}, {"take": "a", "voices": []}, [], "slot"])
def test_read_signed_nonsense(slot: object) -> None:
    claims = {"aud": SLOT.name, "exp": time.time() + 30, "jti": "1", "slot": slot}
    assert refused(jwt.encode(claims, SECRET, algorithm="HS256")) == "invalid"


def test_heartbeat_there_and_back() -> None:
    report = {"name": "a", "engines": {"echo": {"version": "1"}}, "step_ms_p95": None}
    assert TokenReader(SECRET).read(HEARTBEAT, sign(HEARTBEAT, report, SECRET)) == report


@pytest.mark.parametrize(
    ("make_token", "reason"),
    [
        (lambda: sign(HEARTBEAT, {}, SECRET, ttl_sec=-1), "expired"),
        (lambda: sign(HEARTBEAT, {}, OTHER), "invalid"),
        (lambda: sign(SLOT, REQUEST, SECRET), "invalid"),
    ],
    ids=["expired", "other secret", "slot token"],
)
def test_heartbeat_refused(make_token: Callable[[], str], reason: str) -> None:
    with pytest.raises(TokenError) as caught:
        TokenReader(SECRET).read(HEARTBEAT, make_token())
    assert caught.value.reason == reason


def at(address: str, **options: Any) -> TokenReader:
    reader = TokenReader(SECRET, **options)
    reader.address = address
    return reader


@pytest.mark.parametrize(
    ("audience", "content"),
    [(SLOT, REQUEST), (PREVIEW, PreviewRequest()), (STATE, "take-1")],
    ids=["slot", "preview", "state"],
)
def test_token_for_one_worker_opens_nothing_at_another(audience: Any, content: Any) -> None:
    token = sign(audience, content, SECRET, to="ws://gpu-1:8700")
    assert at("ws://gpu-1:8700").read(audience, token) == content
    for elsewhere in ("ws://gpu-2:8700", "ws://gpu-1:8701", ""):
        with pytest.raises(TokenError) as caught:
            at(elsewhere).read(audience, token)
        assert caught.value.reason == "invalid"
    with pytest.raises(TokenError):
        at("ws://gpu-1:8700").read(audience, sign(audience, content, SECRET))


@pytest.mark.parametrize(("audience", "longest_sec"), [(HEARTBEAT, 60), (PREVIEW, 60), (STATE, 60), (SLOT, 3_600)])
def test_token_that_would_live_for_long_is_not_taken(audience: Any, longest_sec: float) -> None:
    content: Any = {HEARTBEAT: {}, PREVIEW: PreviewRequest(), STATE: "take", SLOT: REQUEST}[audience]
    assert TokenReader(SECRET).read(audience, sign(audience, content, SECRET, longest_sec)) == content
    for ttl_sec in (longest_sec + 30, 10 * 365 * 86_400):
        with pytest.raises(TokenError) as caught:
            TokenReader(SECRET).read(audience, sign(audience, content, SECRET, ttl_sec))
        assert caught.value.reason == "invalid"


def test_processes_that_share_what_they_have_seen_take_a_token_once_together() -> None:
    seen: set[str] = set()

    def is_new(token_id: str, within_sec: float) -> bool:
        assert 0 < within_sec <= 30
        known = token_id in seen
        seen.add(token_id)
        return not known

    token = sign(HEARTBEAT, {"name": "a"}, SECRET)
    first, second = (TokenReader(SECRET, is_new) for _ in range(2))
    assert first.read(HEARTBEAT, token) == {"name": "a"}
    for reader in (second, first):
        with pytest.raises(TokenError) as caught:
            reader.read(HEARTBEAT, token)
        assert caught.value.reason == "replayed"
