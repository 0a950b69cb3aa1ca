"""Against a server that keeps the documented protocol, and breaks it when told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
import structlog.testing

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32, float32_to_pcm16, pcm16_to_float32
from inference.contract.errors import EngineUnavailable, OptionError, RemoteLost
from inference.engines.base import SlotConfig, StepOutput
from inference.engines.openai_realtime.engine import OpenAIRealtimeEngine
from tests.inference.engines.remote.driving import (
    SILENT_FRAME,
    events,
    failure,
    framed,
    sound,
    sounding,
    step_until,
)
from tests.realtime_server import RealtimeServer, Visit, at_rate
from tests.signals import measured_f0_hz, noise, tone, vowel

DIALECTS = ("ga", "beta")
KEY = "sk-test-hunter2"


@contextmanager
def engine_for(server: RealtimeServer, **settings: str) -> Iterator[OpenAIRealtimeEngine]:
    """Warmed up, with the server's own visit for that passed over."""
    engine = OpenAIRealtimeEngine(2, {"OPENAI_REALTIME_URL": server.url, **settings})
    try:
        engine.warm_up()
        server.visit()
        yield engine
    finally:
        engine.shut_down()


@pytest.fixture(params=DIALECTS)
def server(request: pytest.FixtureRequest) -> Iterator[RealtimeServer]:
    with RealtimeServer(request.param) as server:
        yield server


@pytest.fixture
def engine(server: RealtimeServer) -> Iterator[OpenAIRealtimeEngine]:
    with engine_for(server) as engine:
        yield engine


def begun(
    engine: OpenAIRealtimeEngine, server: RealtimeServer, slot: int = 0, config: SlotConfig | None = None
) -> Visit:
    engine.open(slot, config or SlotConfig())
    return server.visit()


def quantised(pcm: Float32) -> Float32:
    return pcm16_to_float32(float32_to_pcm16(pcm))


def silent_after(outputs: list[StepOutput]) -> bool:
    return sounding(outputs) > 0 and not outputs[-1].pcm.any()


def states(outputs: list[StepOutput]) -> list[tuple[str, int]]:
    return [(event["state"], event["turn"]) for event in events(outputs, "turn")]


def test_what_the_participant_says_arrives_whole(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    """From the first frame on, though the session is set up only later."""
    frames = [noise(0.08, seed=seed) for seed in range(10)]
    engine.open(0, SlotConfig())
    for frame in frames:
        engine.step({0: frame})
    visit = server.visit()
    heard = [visit.heard.get(timeout=20) for _ in frames]
    np.testing.assert_array_equal(np.concatenate(heard), quantised(np.concatenate(frames)))


@pytest.mark.parametrize("sizes", [(), (3_840,), (2, 7_680, 6), (1, 4_801), (96_000,)])
def test_answer_in_deltas_of_any_size(
    engine: OpenAIRealtimeEngine, server: RealtimeServer, sizes: tuple[int, ...]
) -> None:
    """Every sample, in order, without a gap; a delta may end within a sample."""
    pcm = quantised(noise(0.5))
    begun(engine, server).answer(pcm, "hello", *sizes)
    said = sound(step_until(engine, silent_after))
    first = int(np.flatnonzero(said)[0])
    assert first % FRAME_SAMPLES == 0
    np.testing.assert_array_equal(said[first : first + len(pcm)], pcm)
    assert not said[first + len(pcm) :].any()


def test_turn_from_onset_to_end(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    step_until(engine, lambda outputs: len(outputs) >= 30 and visit.heard.qsize() >= 30)
    item = visit.speech_started(320)
    visit.speech_stopped(item, 1_200)
    visit.transcribed(item, "how are you?")
    visit.answer(noise(1.0), "I am fine, thanks.")
    outputs = step_until(engine, lambda outputs: ("listening", 1) in states(outputs)[1:])
    begin = next(step for step, output in enumerate(outputs) if output.pcm.any()) * 80.0 + 30 * 80.0
    assert states(outputs) == [("listening", 1), ("thinking", 1), ("speaking", 1), ("listening", 1)]
    heard, said = events(outputs, "transcript")
    assert (heard["role"], heard["text"], heard["turn"]) == ("participant", "how are you?", 1)
    assert (said["role"], said["text"], said["turn"]) == ("agent", "I am fine, thanks.", 1)
    assert (said["start_ms"] - begin, said["end_ms"] - begin, said["interrupted"]) == (0, 1_000, False)
    skew_ms = heard["start_ms"] - 320
    assert (heard["end_ms"] - skew_ms, skew_ms) == (1_200, 0)
    words = events(outputs, "words")
    assert [word["text"] for word in words] == ["I", "am", "fine,", "thanks."]
    assert [words[0]["start_ms"] - begin, words[-1]["end_ms"] - begin] == [0, pytest.approx(1_000, abs=1)]
    assert all(one["end_ms"] == other["start_ms"] for one, other in pairwise(words))
    assert {word["timing"] for word in words} == {"estimated"}


def test_interruption_stops_at_once_and_truncates_exactly(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    place = visit.answer(noise(4.0), "one two three four five six seven eight nine ten")
    before = step_until(engine, lambda outputs: sounding(outputs) == 13)
    visit.speech_started(2_000)
    command = visit.next_command()  # nothing is stepped meanwhile
    after = step_until(engine, lambda outputs: len(outputs) >= 40)
    assert not sound(after).any()
    assert command | {"event_id": ""} == {
        "type": "conversation.item.truncate",
        "event_id": "",
        "item_id": place["item_id"],
        "content_index": 0,
        "audio_end_ms": 13 * 80,
    }
    outputs = before + after
    assert states(outputs) == [("speaking", 1), ("interrupted", 1), ("listening", 2)]
    (transcript,) = events(outputs, "transcript")
    assert transcript["interrupted"]
    assert transcript["end_ms"] - transcript["start_ms"] == 13 * 80
    assert transcript["raw_text"] == "one two three four five six seven eight nine ten"
    assert transcript["text"].split() == transcript["raw_text"].split()[: len(transcript["text"].split())]
    assert 1 <= len(transcript["text"].split()) < 5
    assert visit.commands.empty()


def test_interruption_of_an_answer_that_is_still_made(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    """What the cancelled response still sends is not played, nor written down; the next one is."""
    visit = begun(engine, server)
    place = visit.respond()
    visit.write(place, "never", " mind")
    visit.say(place, noise(2.0))
    step_until(engine, lambda outputs: sounding(outputs) == 5)
    item = visit.speech_started()
    assert visit.next_command()["audio_end_ms"] == 5 * 80
    visit.say(place, noise(1.0, seed=1))
    visit.complete(place, "never mind at all", "cancelled", type="cancelled", reason="turn_detected")
    visit.speech_stopped(item)
    pcm = quantised(noise(0.4, seed=2))
    visit.answer(pcm, "yes")
    outputs = step_until(engine, silent_after)
    said = sound(outputs)
    np.testing.assert_array_equal(said[np.flatnonzero(said)[0] :][: len(pcm)], pcm)
    assert sounding(outputs) == 5
    assert [event["text"] for event in events(outputs, "transcript") if not event["interrupted"]] == ["yes"]
    assert visit.commands.empty()


def test_interruption_before_the_first_sample(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    item = visit.speech_started()
    visit.speech_stopped(item)
    visit.respond()
    visit.speech_started()
    outputs = step_until(engine, lambda outputs: ("listening", 2) in states(outputs))
    assert states(outputs) == [("listening", 1), ("thinking", 1), ("discarded", 1), ("listening", 2)]
    assert visit.commands.empty()


def test_speech_after_the_answer_is_no_interruption(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server)
    visit.answer(noise(0.4), "yes")
    step_until(engine, lambda outputs: ("listening", 1) in states(outputs))
    visit.speech_started()
    outputs = step_until(engine, lambda outputs: bool(states(outputs)))
    assert states(outputs) == [("listening", 2)]
    assert visit.commands.empty()


def test_server_that_does_not_stop_by_itself_is_told_to() -> None:
    with RealtimeServer(interrupts=False) as server, engine_for(server) as engine:
        visit = begun(engine, server)
        place = visit.respond()
        visit.say(place, noise(2.0))
        step_until(engine, lambda outputs: sounding(outputs) == 3)
        visit.speech_started()
        commands = [visit.next_command(), visit.next_command()]
        assert [command["type"] for command in commands] == ["response.cancel", "conversation.item.truncate"]
        assert (commands[0]["response_id"], commands[1]["audio_end_ms"]) == (place["response_id"], 3 * 80)


def test_cancel_that_comes_too_late_does_no_harm() -> None:
    """The answer was complete when the server read the command: it complains, and the talk goes on."""
    with RealtimeServer(interrupts=False) as server, engine_for(server) as engine:
        visit = begun(engine, server)
        place = visit.respond()
        visit.say(place, noise(2.0))
        step_until(engine, lambda outputs: sounding(outputs) == 3)
        visit.active = ""
        visit.speech_started()
        assert visit.next_command()["type"] == "response.cancel"
        visit.answer(noise(0.4), "yes")
        step_until(engine, lambda outputs: sounding(outputs) >= 4)
        assert engine.failed == {}


def test_no_interruption_where_the_study_forbids_it(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visit = begun(engine, server, config=SlotConfig(options={"barge_in": False}))
    session = visit.session
    detection = session["audio"]["input"]["turn_detection"] if "audio" in session else session["turn_detection"]
    assert detection["interrupt_response"] is False
    visit.answer(noise(1.6), "still talking")
    before = step_until(engine, lambda outputs: sounding(outputs) == 3)
    visit.speech_started()
    after = step_until(engine, silent_after)
    assert sounding(before) + sounding(after) == 20
    assert visit.commands.empty()


def test_two_people_do_not_hear_each_other(engine: OpenAIRealtimeEngine, server: RealtimeServer) -> None:
    visits = begun(engine, server, 0), begun(engine, server, 1)
    visits[0].answer(tone(200.0, 0.8), "low")
    visits[1].answer(tone(400.0, 0.8), "high")
    outputs: list[dict[int, StepOutput]] = []
    for _ in range(3_000):
        outputs.append(engine.step({0: SILENT_FRAME, 1: SILENT_FRAME}))
        visits[0].ended.wait(0.004)
        if all(silent_after([output[slot] for output in outputs]) for slot in (0, 1)):
            break
    said = [sound([output[slot] for output in outputs]) for slot in (0, 1)]
    assert [round(measured_f0_hz(pcm[pcm != 0]) / 200) for pcm in said] == [1, 2]


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


def test_answers_itself() -> None:
    """The whole way, by voice activity: silence, speech, silence, answer."""
    with RealtimeServer(talks=True) as server, engine_for(server) as engine:
        begun(engine, server)
        outputs = step_until(engine, lambda outputs: len(events(outputs, "transcript")) == 2, framed(vowel(140.0, 0.8)))
        assert [event["text"] for event in events(outputs, "transcript")] == ["how are you", "I am well."]


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
