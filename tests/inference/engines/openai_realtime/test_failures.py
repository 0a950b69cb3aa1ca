"""A server that breaks the documented protocol, refuses, or goes away: each ends its own slot, in plain words."""

from __future__ import annotations

import pytest

from inference.contract.errors import EngineUnavailable, RemoteLost
from inference.engines.base import SlotConfig
from inference.engines.openai_realtime.engine import OpenAIRealtimeEngine
from tests.inference.engines.openai_realtime.talking import KEY, begun, engine_for, silent_after, states
from tests.inference.engines.remote.driving import events, failure, step_until
from tests.realtime_server import RealtimeServer
from tests.signals import noise


def test_one_slots_death_leaves_the_other(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    dying, living = begun(engine, server, 0), begun(engine, server, 1)
    dying.break_off()
    error = failure(engine, slot=0)
    assert isinstance(error, RemoteLost)
    assert error.reason == "the connection broke"
    living.answer(noise(0.4), "here I am")
    step_until(engine, silent_after, slot=1)
    assert engine.failed == {}


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("session_expired", "invalid_request_error", "the session has lasted as long as the server allows"),
        ("insufficient_quota", "invalid_request_error", "the quota is used up"),
        ("rate_limit_exceeded", "rate_limit_error", "too many requests"),
        ("invalid_api_key", "authentication_error", "it does not accept the key"),
        ("surprising_code", "invalid_request_error", "it reports an error (surprising_code, invalid_request_error)"),
        ("what Anna said: hello", "sk-test", "it reports an error"),
    ],
)
def test_error_events_end_the_slot_in_plain_words(code: str, kind: str, reason: str) -> None:
    with RealtimeServer() as server, engine_for(server) as engine:
        begun(engine, server).fail(code, kind=kind)
        error = failure(engine)
        assert isinstance(error, RemoteLost)
        assert error.reason == reason


def test_failed_response_ends_the_slot(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    visit.respond()
    visit.done("failed", type="failed", error={"type": "insufficient_quota", "code": "insufficient_quota"})
    error = failure(engine)
    assert isinstance(error, RemoteLost)
    assert error.reason == "the quota is used up"


def test_incomplete_answer_is_said_and_marked(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    place = visit.respond()
    visit.say(place, noise(0.4))
    visit.complete(place, "and then", "incomplete", type="incomplete", reason="max_output_tokens")
    outputs = step_until(engine, lambda outputs: bool(events(outputs, "transcript")))
    assert events(outputs, "transcript")[0]["incomplete"] == "max_output_tokens"


def test_answer_without_sound_is_discarded(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    visit.respond()
    visit.done()
    outputs = step_until(engine, lambda outputs: len(states(outputs)) == 2)
    assert states(outputs) == [("discarded", 1), ("listening", 1)]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{", "it sends what is no event of the protocol"),
        ("[1]", "it sends what is no event of the protocol"),
        (b"\x00\x01", "it sends what is no event of the protocol"),
        ("[" * 100_000, "it sends what is no event of the protocol"),
        ("{}", "it sends events without a type"),
        ('{"type": 7}', "the field type of its events is not text"),
        ('{"type": "response.output_audio.delta", "delta": 5}', "the field delta of its events is not text"),
        ('{"type": "response.created", "response": []}', "the field response of its events is not an object"),
        ('{"type": "error", "error": "no"}', "the field error of its events is not an object"),
    ],
)
def test_malformed_events_end_the_slot(message: str | bytes, reason: str) -> None:
    with RealtimeServer() as server, engine_for(server) as engine:
        begun(engine, server).connection.send(message)
        error = failure(engine)
        assert isinstance(error, RemoteLost)
        assert error.reason == reason


def test_strange_events_are_passed_over(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    visit.send("rate_limits.updated", rate_limits=[])
    visit.send("something.new", payload={"deep": [1]})
    visit.send("response.output_audio.delta", delta="no base64!")
    visit.send("input_audio_buffer.speech_started", audio_start_ms="soon")
    visit.send("conversation.item.input_audio_transcription.completed", item_id="x", transcript="a\ud800\x00b")
    visit.answer(noise(0.4), "still here")
    outputs = step_until(engine, silent_after)
    assert events(outputs, "transcript")[0]["text"] == "a? b"
    assert engine.failed == {}


def test_garbage_instead_of_sound_ends_the_slot(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    for _ in range(10):
        visit.send("response.output_audio.delta", delta="no base64!")
    error = failure(engine)
    assert isinstance(error, RemoteLost)
    assert error.reason == "it sends sound that cannot be decoded"


@pytest.mark.parametrize(
    ("status", "reason", "remedy"),
    [
        (401, "it does not accept the key or password (401)", "OPENAI_REALTIME_KEY"),
        (404, "it has no such path or model (404)", "OPENAI_REALTIME_MODEL"),
        (429, "too many requests, or the quota is used up (429)", "limits and balance"),
        (503, "it is overloaded or not ready (503)", "OPENAI_REALTIME_URL"),
    ],
)
def test_warm_up_refused(status: int, reason: str, remedy: str) -> None:
    with RealtimeServer() as server:
        server.refusal = status
        engine = OpenAIRealtimeEngine(1, {"OPENAI_REALTIME_URL": server.url})
        with pytest.raises(EngineUnavailable) as caught:
            engine.warm_up()
        engine.shut_down()
    assert caught.value.reason == f"{server.url}: {reason}"
    assert remedy in caught.value.remedy


def test_server_that_refuses_the_next_take(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    begun(engine, server, 0)
    server.refusal = 429
    engine.open(1, SlotConfig())
    error = failure(engine, slot=1)
    assert isinstance(error, RemoteLost)
    assert error.reason == "too many requests, or the quota is used up (429)"
    server.refusal = 0
    engine.close(1)
    begun(engine, server, 1).answer(noise(0.4), "again")
    step_until(engine, silent_after, slot=1)


def test_server_that_refuses_the_session() -> None:
    with RealtimeServer("beta") as server:
        engine = OpenAIRealtimeEngine(
            1, {"OPENAI_REALTIME_URL": server.url, "OPENAI_REALTIME_DIALECT": "openai", "OPENAI_REALTIME_KEY": KEY}
        )
        with pytest.raises(EngineUnavailable, match="it reports an error"):
            engine.warm_up()
        engine.shut_down()
        server.problems.clear()


def test_close_hangs_up(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    engine.close(0)
    assert visit.ended.wait(20)
