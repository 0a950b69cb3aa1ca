"""What is agreed with a server before anybody talks: rates, options, the model and the key."""

from __future__ import annotations

import numpy as np
import pytest
import structlog.testing

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.contract.errors import EngineUnavailable, OptionError, RemoteLost
from inference.engines.base import SlotConfig
from inference.engines.openai_realtime.engine import OpenAIRealtimeEngine
from tests.inference.engines.openai_realtime.talking import KEY, begun, engine_for, quantised
from tests.inference.engines.remote.driving import events, failure, sound, step_until
from tests.realtime_server import RealtimeServer, at_rate
from tests.signals import tone


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_rate_that_was_not_asked_for_is_refused_by_name(rate_hz: int) -> None:
    with RealtimeServer(rate_hz=rate_hz) as server:
        with pytest.raises(EngineUnavailable) as refusal, engine_for(server):
            pass
        assert f"the sound that it hears has {rate_hz} Hz where 24000 were asked for" in refusal.value.reason


def test_update_that_answers_nothing_does_not_change_the_sound() -> None:
    """A server that announces its own 16 kHz before it answers keeps pitch and length: 200 Hz stay 200 Hz."""
    with RealtimeServer(unasked_hz=16_000) as server, engine_for(server) as engine:
        visit = begun(engine, server)
        answer = tone(200.0, 4.0)
        visit.answer(answer, "one", 999)
        outputs = step_until(engine, lambda outputs: bool(events(outputs, "transcript")))
        (transcript,) = events(outputs, "transcript")
        assert transcript["end_ms"] - transcript["start_ms"] == 4_000
        assert np.array_equal(np.trim_zeros(sound(outputs)), np.trim_zeros(quantised(answer)))


def test_session_that_changes_its_rate_ends_the_slot(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    if visit.dialect == "ga":
        visit.send("session.updated", session=at_rate(visit.session, 16_000))
    else:
        visit.send("session.updated", session={**visit.session, "output_audio_format": "g711_ulaw"})
    error = failure(engine)
    assert isinstance(error, RemoteLost)
    assert error.reason.startswith("it changed the session: ")


def test_server_that_waits_for_an_update_gets_one() -> None:
    with RealtimeServer(greets=False) as server, engine_for(server) as engine:
        visit = begun(engine, server)
        visit.answer(tone(200.0, 0.5), "one")
        outputs = step_until(engine, lambda outputs: bool(events(outputs, "transcript")))
        assert [event["text"] for event in events(outputs, "transcript")] == ["one"]


def test_session_as_asked(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    options = {"silence_duration_ms": 300, "threshold": 0.4, "speed": 1.2, "max_output_tokens": 500}
    visit = begun(engine, server, config=SlotConfig("You are a baker.", "marin", options=options))
    session, detection = visit.session, {"type": "server_vad", "create_response": True, "interrupt_response": True}
    detection |= {"silence_duration_ms": 300, "threshold": 0.4}
    if "audio" in session:
        pcm = {"type": "audio/pcm", "rate": SAMPLE_RATE_HZ}
        heard = {"format": pcm, "turn_detection": detection, "transcription": {"model": "gpt-4o-mini-transcribe"}}
        assert session == {
            "type": "realtime",
            "output_modalities": ["audio"],
            "audio": {"input": heard, "output": {"format": pcm, "voice": "marin", "speed": 1.2}},
            "instructions": "You are a baker.",
            "max_output_tokens": 500,
        }
    else:
        assert session == {
            "modalities": ["audio", "text"],
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "input_audio_transcription": {"model": "gpt-4o-mini-transcribe"},
            "turn_detection": detection,
            "voice": "marin",
            "instructions": "You are a baker.",
            "speed": 1.2,
            "max_response_output_tokens": 500,
        }


def test_temperature_only_where_it_is_taken(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    config = SlotConfig(options={"temperature": 0.8})
    if engine.snapshot()["dialect"] == "beta":
        assert begun(engine, server, config=config).session["temperature"] == 0.8
    else:
        with pytest.raises(OptionError):
            engine.open(0, config)


def test_model_from_the_list() -> None:
    with RealtimeServer() as server, engine_for(server, OPENAI_REALTIME_MODEL="big, small") as engine:
        assert begun(engine, server).query == {"model": "big"}
        assert begun(engine, server, 1, SlotConfig(options={"model": "small"})).query == {"model": "small"}
        with pytest.raises(OptionError):
            engine.check(SlotConfig(options={"model": "other"}))


def test_key_goes_to_the_server_and_nowhere_else() -> None:
    with (
        structlog.testing.capture_logs() as logged,
        RealtimeServer(key=KEY) as server,
        engine_for(server, OPENAI_REALTIME_KEY=KEY) as engine,
    ):
        visit = begun(engine, server)
        assert visit.headers["Authorization"] == f"Bearer {KEY}"
        visit.fail(KEY, message=f"Incorrect API key provided: {KEY}")
        error = failure(engine)
        engine.close(0)
        assert "hunter" not in f"{error}{error.__cause__}{engine.snapshot()}{logged}"


def test_azure_takes_the_key_in_its_own_header() -> None:
    settings = {"OPENAI_REALTIME_KEY": KEY, "OPENAI_REALTIME_DIALECT": "azure", "OPENAI_REALTIME_MODEL": "mine"}
    with RealtimeServer(key=KEY) as server:
        url = server.url.replace("/v1/realtime", "/openai/v1/realtime")
        with engine_for(server, **settings | {"OPENAI_REALTIME_URL": url}) as engine:
            visit = begun(engine, server)
            assert (visit.headers["api-key"], visit.headers.get("Authorization")) == (KEY, None)
            assert (visit.path, visit.query) == ("/openai/v1/realtime", {"model": "mine"})
