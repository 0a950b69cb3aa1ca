"""Whole conversations with the real models: spoken questions in, spoken answers out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from inference.contract.audio import FRAME_MS, FRAME_SAMPLES, Float32
from inference.contract.errors import EngineUnavailable, OptionError
from inference.contract.wire import Metadata
from inference.engines.base import SlotConfig
from inference.engines.cascade.engine import CascadeEngine
from tests.inference.engines.cascade.conftest import Speak

pytestmark = pytest.mark.engine

PATIENCE_STEPS = 3_000  # of waiting for a model on a crowded machine
SILENCE = np.zeros(FRAME_SAMPLES, np.float32)
INTERJECTIONS = "Um. Um. Um."  # recognised alike on every processor, as synthetic laughter is not


@dataclass
class Talk:
    """One slot driven by hand: faster than real time while speaking, patient while the engine thinks."""

    engine: CascadeEngine
    slot: int = 0
    steps: int = 0
    events: list[Metadata] = field(default_factory=list)
    sound: list[Float32] = field(default_factory=list)

    def hear(self, frame: Float32) -> Sequence[Metadata]:
        output = self.engine.step({self.slot: frame})[self.slot]
        if error := self.engine.failed.get(self.slot):
            raise error
        assert output.pcm.shape == (FRAME_SAMPLES,)
        self.steps += 1
        self.events += output.events
        self.sound.append(output.pcm)
        return output.events

    def speak(self, speech: Float32) -> None:
        for frame in frames(speech):
            self.hear(frame)

    def wait_for(self, state: str) -> Mapping[str, Any]:
        """Silence until the turn event `state`."""
        for _ in range(PATIENCE_STEPS):
            for event in self.hear(SILENCE):
                if event.event == "turn" and event.data["state"] == state:
                    return event.data
            time.sleep(0.01)
        raise AssertionError(f"the engine never came to {state}")

    def transcripts(self, role: str) -> list[Mapping[str, Any]]:
        return [event.data for event in self.events if event.event == "transcript" and event.data["role"] == role]

    def states(self) -> list[str]:
        return [event.data["state"] for event in self.events if event.event == "turn"]

    def words(self) -> list[Mapping[str, Any]]:
        return [event.data for event in self.events if event.event == "words"]


def frames(speech: Float32) -> Iterator[Float32]:
    padded = np.pad(speech, (0, -len(speech) % FRAME_SAMPLES))
    return iter(padded.reshape(-1, FRAME_SAMPLES))


@pytest.fixture
def talk(engine: CascadeEngine) -> Talk:
    return Talk(engine)


def test_question_is_recognised_and_answered_aloud(talk: Talk, say: Speak) -> None:
    talk.speak(say("What is the capital of France?"))
    talk.wait_for("listening")
    (heard,) = talk.transcripts("participant")
    (answer,) = talk.transcripts("agent")
    assert (heard["text"], heard["raw_text"], heard["turn"]) == (("What is the capital of France?",) * 2 + (1,))
    assert answer["raw_text"].startswith(answer["text"][:5])
    assert answer["text"] == " ".join(word["text"] for word in talk.words())
    assert talk.states() == ["thinking", "speaking", "listening"]


def test_words_are_told_when_they_sound_and_lie_in_the_agents_track(talk: Talk, say: Speak) -> None:
    talk.speak(say("Tell me something about whales."))
    talk.wait_for("listening")
    sound = np.abs(np.concatenate(talk.sound))
    words = talk.words()
    for word, following in pairwise(words):
        assert word["start_ms"] < word["end_ms"] <= following["start_ms"]
    start, end = (int(ms * 24) for ms in (words[0]["start_ms"], words[-1]["end_ms"]))
    assert sound[start:end].max() > 0.05
    assert sound[: start - 240].max() == 0
    assert sound[end + 240 :].max() == 0


def test_conversation_is_remembered(engine: CascadeEngine, say: Speak) -> None:
    talk = Talk(engine)
    for question in ("My favourite colour is green.", "What is two plus two?"):
        talk.speak(say(question))
        talk.wait_for("listening")
    history = engine._conversations[0]._history.asking("next")
    said = [entry["text"] for role in ("participant", "agent") for entry in talk.transcripts(role)]
    assert sorted(message["content"] for message in history[-5:-1]) == sorted(said)


def test_participant_interrupts_and_only_what_was_spoken_is_kept(talk: Talk, say: Speak) -> None:
    talk.speak(say("What can I do to sleep better?"))
    talk.wait_for("speaking")
    for _ in range(8):
        talk.hear(SILENCE)
    started = talk.steps
    speech = say("Stop, please be quiet for a moment.")
    talk.speak(speech)
    onset_ms = np.flatnonzero(np.abs(speech) > 0.01)[0] / 24
    interrupted = next(n for n, frame in enumerate(talk.sound[started:]) if not frame[FRAME_SAMPLES // 2 :].any())
    assert interrupted * FRAME_MS - onset_ms <= 400  # of stream, whatever the machine
    (answer,) = talk.transcripts("agent")
    assert answer["interrupted"] is True
    assert len(answer["text"]) < len(answer["raw_text"])
    assert answer["text"].split() == [word["text"] for word in talk.words()][: len(answer["text"].split())]
    assert talk.wait_for("listening")["turn"] == 2
    assert talk.states()[:3] == ["thinking", "speaking", "interrupted"]


def test_interjections_are_kept_from_the_language_model(talk: Talk, say: Speak) -> None:
    talk.speak(say(INTERJECTIONS))
    discarded = talk.wait_for("discarded")
    (heard,) = talk.transcripts("participant")
    assert discarded["reason"] == "interjections_only"
    assert heard["text"] == ""
    assert heard["raw_text"].lower().startswith("um")
    assert talk.words() == []


def test_interjections_are_answered_when_scrubbing_is_off(engine: CascadeEngine, say: Speak) -> None:
    engine.open(0, SlotConfig(options={"scrub_laughter": False}))
    talk = Talk(engine)
    talk.speak(say(INTERJECTIONS))
    talk.wait_for("speaking")
    (heard,) = talk.transcripts("participant")
    assert heard["text"] == heard["raw_text"]


def test_silence_and_noise_are_not_answered(talk: Talk) -> None:
    noise = np.random.default_rng(0).standard_normal(4 * 24_000).astype(np.float32) * 0.05
    talk.speak(noise)
    for _ in range(30):
        talk.hear(SILENCE)
    assert talk.transcripts("agent") == []


def test_two_slots_talk_at_once_and_apart(engine: CascadeEngine, say: Speak) -> None:
    questions = ("What is the capital of France?", "How do I boil an egg?")
    talks = [Talk(engine, slot) for slot in range(2)]
    streams = [list(frames(say(question))) for question in questions]
    heard: list[str] = []
    for step in range(PATIENCE_STEPS):
        given = {slot: stream[step] if step < len(stream) else SILENCE for slot, stream in enumerate(streams)}
        for slot, output in engine.step(given).items():
            talks[slot].events += output.events
        if all("listening" in talk.states() for talk in talks):
            break
        time.sleep(0.01)
    heard = [talk.transcripts("participant")[0]["text"] for talk in talks]
    assert heard == list(questions)
    assert all(talk.transcripts("agent") for talk in talks)


def test_same_seed_gives_the_same_answer(engine: CascadeEngine, say: Speak) -> None:
    answers = []
    for seed in (3, 3):
        engine.open(0, SlotConfig(seed=seed, options={"temperature": 1.0}))
        talk = Talk(engine)
        talk.speak(say("Tell me something about whales."))
        talk.wait_for("listening")
        answers.append(talk.transcripts("agent")[0]["raw_text"])
    assert answers[0] == answers[1]


def test_voice_that_is_not_here_is_refused_with_those_that_are(loaded_engine: CascadeEngine) -> None:
    with pytest.raises(OptionError, match=r"expected one of heart, heart_lower.* on this machine"):
        loaded_engine.check(SlotConfig(voice_prompt="deep.wav"))


def test_model_that_is_not_here_is_refused_with_those_that_are(loaded_engine: CascadeEngine) -> None:
    if "larger" in loaded_engine.snapshot()["choices"]["model"]:
        pytest.skip("there is a larger model on this machine")
    with pytest.raises(OptionError, match="expected one of best, small on this machine"):
        loaded_engine.check(SlotConfig(options={"model": "larger"}))


def test_agent_speaks_lower_in_its_lower_voice(engine: CascadeEngine, say: Speak) -> None:
    pitch_hz = []
    for voice in ("heart", "heart_lower"):
        engine.open(0, SlotConfig(seed=3, voice_prompt=voice))
        talk = Talk(engine)
        talk.speak(say("Tell me something about whales."))
        talk.wait_for("listening")
        pitch_hz.append(median_pitch_hz(np.concatenate(talk.sound)))
    assert pitch_hz[1] == pytest.approx(0.62 * pitch_hz[0], rel=0.1)


def median_pitch_hz(sound: Float32) -> float:
    import librosa

    f0 = librosa.yin(sound, fmin=60, fmax=400, sr=24_000, frame_length=2_048)
    loud = librosa.feature.rms(y=sound, frame_length=2_048)[0] > 0.02
    return float(np.median(f0[loud[: len(f0)]]))


def test_endless_persona_is_refused(loaded_engine: CascadeEngine) -> None:
    with pytest.raises(OptionError, match="text_prompt is '1001 bytes long'"):
        loaded_engine.check(SlotConfig(text_prompt="x" * 1_001))


def test_snapshot_names_every_model_with_licence_and_digest(loaded_engine: CascadeEngine) -> None:
    snapshot = loaded_engine.snapshot()
    assert snapshot["text_mediated"] is True
    assert set(snapshot["models"]) == {"recognition", "language", "turn_end", "voice_activity", "synthesis"}
    for model in snapshot["models"].values():
        assert model["licence"]
        assert model["revision"]
        assert all(len(digest) == 64 for digest in model["sha256"].values())


def test_missing_weights_refuse_the_engine_with_a_remedy(tmp_path: Any) -> None:
    with pytest.raises(EngineUnavailable) as refused:
        CascadeEngine(1, {"MODELS_DIR": str(tmp_path)})
    assert refused.value.remedy == "Run `python -m inference.weights`."


def test_wrong_thread_count_is_refused() -> None:
    with pytest.raises(EngineUnavailable, match="CASCADE_THREADS is 'many'"):
        CascadeEngine(1, {"CASCADE_THREADS": "many"})
