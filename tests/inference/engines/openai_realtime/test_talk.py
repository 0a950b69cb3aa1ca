"""Talking with a server that keeps the documented protocol: what is heard, answered and interrupted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from inference.contract.audio import FRAME_SAMPLES
from inference.engines.base import SlotConfig, StepOutput
from inference.engines.openai_realtime.engine import OpenAIRealtimeEngine
from tests.inference.engines.openai_realtime.talking import begun, engine_for, quantised, silent_after, states
from tests.inference.engines.remote.driving import SILENT_FRAME, events, framed, sound, sounding, step_until
from tests.realtime_server import RealtimeServer
from tests.signals import measured_f0_hz, noise, tone, vowel


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


def test_answers_itself() -> None:
    """The whole way, by voice activity: silence, speech, silence, answer."""
    with RealtimeServer(talks=True) as server, engine_for(server) as engine:
        begun(engine, server)
        outputs = step_until(engine, lambda outputs: len(events(outputs, "transcript")) == 2, framed(vowel(140.0, 0.8)))
        assert [event["text"] for event in events(outputs, "transcript")] == ["how are you", "I am well."]
