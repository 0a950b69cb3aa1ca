"""The dialect of Kyutai's Unmute: Opus, its own session, events that do not say what they belong to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from inference.contract.errors import OptionError
from inference.engines.base import SlotConfig
from inference.engines.openai_realtime.engine import OpenAIRealtimeEngine
from tests.inference.engines.remote.driving import events, framed, sound, sounding, step_until
from tests.realtime_server import RealtimeServer, Visit
from tests.signals import measured_f0_hz, vowel

CONFIG = SlotConfig("You are a baker.", "unmute-prod-website/p329_022.wav")


@pytest.fixture
def server() -> Iterator[RealtimeServer]:
    with RealtimeServer("unmute") as server:
        yield server


@pytest.fixture
def engine(server: RealtimeServer) -> Iterator[OpenAIRealtimeEngine]:
    engine = OpenAIRealtimeEngine(1, {"OPENAI_REALTIME_URL": server.url, "OPENAI_REALTIME_DIALECT": "unmute"})
    engine.warm_up()
    server.visit()
    yield engine
    engine.shut_down()


def begun(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> Visit:
    engine.open(0, CONFIG)
    return server.visit()


def greet(visit: Visit) -> None:
    visit.send("response.created", response={"object": "realtime.response", "status": "in_progress", "voice": "x"})
    for number, word in enumerate(["Good", "morning."]):
        visit.send("response.text.delta", delta=word)
        visit.say_opus(vowel(150.0, 0.4 if number else 0.8))
    visit.send("response.text.done", text="Good morning.")


def test_session_as_asked(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    assert begun(engine, server).session == {
        "instructions": {"type": "constant", "text": "You are a baker."},
        "voice": "unmute-prod-website/p329_022.wav",
        "allow_recording": False,
    }


def test_speech_goes_up_as_opus(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    for frame in framed(vowel(140.0, 1.6)):
        engine.step({0: frame})
    heard = np.concatenate([visit.heard.get(timeout=20) for _ in range(20)])
    assert measured_f0_hz(heard[4_000:]) == pytest.approx(140.0, rel=0.01)


def test_answer_with_words_when_their_text_comes(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    greet(visit)
    visit.send("response.audio.done")
    outputs = step_until(engine, lambda outputs: bool(events(outputs, "transcript")))
    said = sound(outputs)
    assert measured_f0_hz(said[np.abs(said) > 0][2_000:-2_000]) == pytest.approx(150.0, rel=0.01)
    begin = next(step for step, output in enumerate(outputs) if output.pcm.any()) * 80.0
    assert [(word["text"], word["start_ms"] - begin, word["timing"]) for word in events(outputs, "words")] == [
        ("Good", 0, "received"),
        ("morning.", 800, "received"),
    ]
    (transcript,) = events(outputs, "transcript")
    assert (transcript["text"], transcript["end_ms"] - begin) == ("Good morning.", 1_200)
    assert [event["state"] for event in events(outputs, "turn")] == ["speaking", "listening"]


def test_interruption_by_the_server(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    """It stops by itself and takes no commands; what is left here is not said."""
    visit = begun(engine, server)
    greet(visit)
    step_until(engine, lambda outputs: sounding(outputs) == 3)
    visit.send("unmute.interrupted_by_vad")
    visit.say_opus(vowel(300.0, 0.4))
    visit.send("conversation.item.input_audio_transcription.delta", delta="wait", start_time=0.5)
    visit.send("input_audio_buffer.speech_started")
    visit.send("conversation.item.input_audio_transcription.delta", delta="please", start_time=0.9)
    visit.send("input_audio_buffer.speech_stopped")
    outputs = step_until(engine, lambda outputs: len(events(outputs, "turn")) == 3)
    heard_at = next(step for step, output in enumerate(outputs) if events([output], "turn"))
    assert sounding(outputs[heard_at:]) == 0  # a step before may have come in while the message was on its way
    assert [(event["state"], event["turn"]) for event in events(outputs, "turn")] == [
        ("interrupted", 1),
        ("listening", 2),
        ("thinking", 2),
    ]
    greet(visit)
    visit.send("response.audio.done")
    outputs = step_until(engine, lambda outputs: len(events(outputs, "transcript")) == 2)
    heard, said = events(outputs, "transcript")
    assert (heard["role"], heard["text"], heard["turn"]) == ("participant", "wait please", 2)
    assert (said["role"], said["turn"], said["interrupted"]) == ("agent", 2, False)
    assert visit.commands.empty()


def test_warnings_are_passed_over(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    visit.send("error", error={"type": "warning", "message": "Looking for the resources, expect some latency."})
    visit.send("unmute.additional_outputs", args={"debug_dict": {}})
    greet(visit)
    step_until(engine, lambda outputs: sounding(outputs) >= 3)
    assert engine.failed == {}


def test_check_there_are_no_options(engine: OpenAIRealtimeEngine) -> None:
    with pytest.raises(OptionError):
        engine.check(SlotConfig(options={"speed": 1.1}))


def test_unmute_is_recognised(server: RealtimeServer) -> None:
    engine = OpenAIRealtimeEngine(1, {"OPENAI_REALTIME_URL": server.url})
    engine.warm_up()
    engine.shut_down()
    assert engine.snapshot()["dialect"] == "unmute"
