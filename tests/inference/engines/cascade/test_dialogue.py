"""One slot with fakes for models: who speaks when, what is told and what is remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
import pytest
import soxr

from inference.contract.audio import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.options.cascade import Options
from inference.contract.options.cascade_voice import VoiceOptions
from inference.contract.wire import Metadata
from inference.engines.base import SlotConfig
from inference.engines.cascade.dialogue import Dialogue
from inference.engines.cascade.hearing.vad import RATE_HZ
from inference.engines.cascade.reply import FALLBACK, TOO_SLOW
from inference.engines.cascade.telling import TOLD
from tests.inference.engines.cascade.partner import Partner
from tests.inference.engines.cascade.voice.sounds import breath, in_room, laugh

SPEECH = np.full(FRAME_SAMPLES, 0.5, np.float32)
SILENCE = np.zeros(FRAME_SAMPLES, np.float32)


class Loudness:
    """A voice activity network that takes everything loud for speech."""

    def run(self, outputs: None, inputs: Mapping[str, Any]) -> list[Any]:
        loud = float(np.abs(inputs["input"][0, -256:]).mean() > 0.1)
        return [np.array([[loud]], np.float32), inputs["h"], inputs["c"]]


@dataclass
class Talk:
    partner: Partner
    threads: ThreadPoolExecutor
    options: Options = field(default_factory=Options)
    events: list[Metadata] = field(default_factory=list)

    def __post_init__(self) -> None:
        models = self.partner.models(self.threads)
        self.conversation = Dialogue(0, SlotConfig(seed=1), self.options, models, Loudness())

    def hear(self, frame: Float32, steps: int = 1) -> Float32:
        output = [self.conversation.step(frame) for _ in range(steps)]
        self.events += [event for step in output for event in step.events]
        return np.concatenate([step.pcm for step in output])

    def wait_for(self, state: str) -> Mapping[str, Any]:
        for _ in range(1_000):
            seen = len(self.events)
            self.hear(SILENCE)
            for event in self.events[seen:]:
                if event.event == "turn" and event.data["state"] == state:
                    return event.data
            time.sleep(0.005)
        raise AssertionError(f"never came to {state}: {self.turns()}")

    def wait_until(self, condition: Callable[[], bool]) -> None:
        for _ in range(1_000):
            if condition():
                return
            self.hear(SILENCE)
            time.sleep(0.005)
        raise AssertionError(f"never came to it: {self.events}")

    def turns(self) -> list[tuple[int, str]]:
        return [(event.data["turn"], event.data["state"]) for event in self.events if event.event == "turn"]

    def transcripts(self) -> list[tuple[str, str, str]]:
        data = [event.data for event in self.events if event.event == "transcript"]
        return [(entry["role"], entry["text"], entry["raw_text"]) for entry in data]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def test_turns_follow_each_other(threads: ThreadPoolExecutor) -> None:
    talk = Talk(Partner(answers=("I am a friend.",)), threads)
    for _ in range(2):
        talk.hear(SPEECH, 10)
        talk.wait_for("listening")
    assert talk.turns() == [(turn, state) for turn in (1, 2) for state in ("thinking", "speaking", "listening")]
    assert talk.transcripts() == [
        ("participant", "Who are you?", "Who are you?"),
        ("agent", "I am a friend.", "I am a friend."),
    ] * 2  # fmt: skip


def test_times_lie_on_the_slots_own_clock(threads: ThreadPoolExecutor) -> None:
    talk = Talk(Partner(answers=("I am a friend.",)), threads)
    talk.hear(SILENCE, 25)
    talk.hear(SPEECH, 10)
    talk.wait_for("listening")
    heard, said = [event.data for event in talk.events if event.event == "transcript"]
    assert heard["start_ms"] == pytest.approx(2_000, abs=64)
    assert heard["end_ms"] == pytest.approx(2_800, abs=64)
    assert said["start_ms"] >= heard["end_ms"]
    assert said["end_ms"] - said["start_ms"] == 4 * 200


def test_model_reads_on_while_nobody_waits(threads: ThreadPoolExecutor) -> None:
    partner = Partner(answers=("I am a friend.",))
    talk = Talk(partner, threads)
    talk.hear(SPEECH, 10)
    talk.wait_for("listening")
    threads.shutdown(wait=True)
    assert partner.read_so_far[-1] == [*partner.read_so_far[0], "Who are you?", "I am a friend."]


def test_interrupted_agent_stops_and_remembers_what_it_said(threads: ThreadPoolExecutor) -> None:
    partner = Partner(answers=("I am a friend.",))
    talk = Talk(partner, threads)
    talk.hear(SPEECH, 10)
    talk.wait_for("speaking")
    talk.hear(SILENCE, 3)
    sound = talk.hear(SPEECH, 10)
    assert sound[: FRAME_SAMPLES // 2].all()
    assert not sound[5 * FRAME_SAMPLES :].any()
    assert talk.transcripts()[-1] == ("agent", "I am a", "I am a friend.")
    talk.wait_for("listening")
    threads.shutdown(wait=True)
    assert talk.turns()[:4] == [(1, "thinking"), (1, "speaking"), (1, "interrupted"), (2, "thinking")]
    assert partner.read_so_far[1][-2:] == ["Who are you?", "I am a"]


def test_agent_that_may_not_be_interrupted_finishes(threads: ThreadPoolExecutor) -> None:
    talk = Talk(Partner(answers=("I am a friend.",)), threads, Options(barge_in=False))
    talk.hear(SPEECH, 10)
    talk.wait_for("speaking")
    talk.hear(SPEECH, 12)
    assert talk.transcripts()[-1] == ("agent", "I am a friend.", "I am a friend.")


def test_turn_that_goes_on_before_the_answer_sounds_stays_one_turn(threads: ThreadPoolExecutor) -> None:
    may_hear = Event()
    talk = Talk(Partner(on_recognition=may_hear.wait), threads)
    talk.hear(SPEECH, 10)
    talk.wait_for("thinking")
    talk.hear(SPEECH, 10)
    may_hear.set()
    talk.wait_for("listening")
    assert talk.turns() == [
        (1, "thinking"), (1, "discarded"), (1, "thinking"), (1, "speaking"), (1, "listening"),
    ]  # fmt: skip
    assert len(talk.transcripts()) == 2


def test_noise_is_discarded_and_what_was_made_of_it_is_no_transcript(threads: ThreadPoolExecutor) -> None:
    talk = Talk(Partner(heard="Thank you.", no_speech_probability=0.95), threads)
    talk.hear(SPEECH, 10)
    discarded = talk.wait_for("discarded")
    assert (discarded["reason"], discarded["raw_text"]) == ("no_speech", "Thank you.")
    assert talk.transcripts() == []
    assert talk.turns() == [(1, "thinking"), (1, "discarded"), (1, "listening")]


def test_laughter_is_discarded_and_both_transcripts_are_kept(threads: ThreadPoolExecutor) -> None:
    talk = Talk(Partner(heard="Ha ha ha!"), threads)
    talk.hear(SPEECH, 10)
    assert talk.wait_for("discarded")["reason"] == "interjections_only"
    assert talk.transcripts() == [("participant", "", "Ha ha ha!")]


def test_fallback_is_marked(threads: ThreadPoolExecutor) -> None:
    talk = Talk(Partner(answers=("",)), threads)
    talk.hear(SPEECH, 10)
    talk.wait_for("listening")
    (agent,) = [event.data for event in talk.events if event.data.get("role") == "agent"]
    assert (agent["text"], agent["fallback"]) == (FALLBACK, True)


def test_error_of_a_model_surfaces_in_the_step(threads: ThreadPoolExecutor) -> None:
    def fail() -> None:
        raise MemoryError("no room")

    talk = Talk(Partner(on_recognition=fail), threads)
    talk.hear(SPEECH, 10)
    with pytest.raises(MemoryError):
        talk.wait_for("speaking")


def test_words_are_told_as_soon_as_they_are_understood(threads: ThreadPoolExecutor) -> None:
    may_answer = Event()
    talk = Talk(Partner(on_answer=may_answer.wait), threads)
    talk.hear(SPEECH, 10)
    talk.wait_for("thinking")
    talk.wait_until(lambda: bool(talk.transcripts()))
    assert talk.transcripts() == [("participant", "Who are you?", "Who are you?")]
    may_answer.set()
    talk.wait_for("listening")
    assert [role for role, _, _ in talk.transcripts()] == ["participant", "agent"]


def test_participant_is_told_after_eight_seconds_and_asked_again_after_twenty(threads: ThreadPoolExecutor) -> None:
    may_answer = Event()
    talk = Talk(Partner(on_answer=may_answer.wait), threads)
    talk.hear(SPEECH, 10)
    talk.wait_for("thinking")
    talk.wait_until(lambda: bool(talk.transcripts()))
    begun = len(talk.events)
    talk.hear(SILENCE, 8_000 // FRAME_MS + 1)
    assert [event.data for event in talk.events[begun:]] == [{"state": "thinking", "turn": 1, "slow": True}]
    talk.hear(SILENCE, 13_000 // FRAME_MS)
    assert [state for _, state in talk.turns()] == ["thinking", "thinking", "speaking"]
    talk.wait_for("listening")
    may_answer.set()
    assert talk.transcripts()[-1] == ("agent", TOO_SLOW, TOO_SLOW)
    (agent,) = [event.data for event in talk.events if event.data.get("role") == "agent"]
    assert (agent["by_rule"], agent["fallback"], agent["draws"]) == (TOO_SLOW, True, 0)


def test_turn_that_is_never_answered_is_told_once_it_is_recognised(threads: ThreadPoolExecutor) -> None:
    may_hear = Event()
    talk = Talk(Partner(on_recognition=may_hear.wait), threads)
    talk.hear(SPEECH, 10)
    talk.wait_for("thinking")
    talk.hear(SILENCE, 21_000 // FRAME_MS)
    talk.wait_for("listening")
    assert talk.transcripts() == [("agent", TOO_SLOW, TOO_SLOW)]
    may_hear.set()
    talk.wait_until(lambda: len(talk.transcripts()) == 2)
    (heard,) = [event.data for event in talk.events if event.data.get("role") == "participant"]
    assert (heard["text"], heard["turn"]) == ("Who are you?", 1)
    assert heard["end_ms"] == pytest.approx(800, abs=64)


def told_of_the_voice(threads: ThreadPoolExecutor, partner: Partner, **options: Any) -> Talk:
    return Talk(partner, threads, VoiceOptions.read(options))


def hear_sound(talk: Talk, sound: Float32) -> None:
    """Lets the slot hear a sound at 16 kHz."""
    resampled = np.asarray(soxr.resample(sound, RATE_HZ, SAMPLE_RATE_HZ), np.float32)
    for start in range(0, len(resampled) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        talk.hear(resampled[start : start + FRAME_SAMPLES])


def noticed_in(talk: Talk) -> list[Mapping[str, Any]]:
    return [event.data for event in talk.events if event.event == "noticed"]


def test_laugh_before_the_words_is_told_and_answered_with_a_reaction(threads: ThreadPoolExecutor) -> None:
    partner = Partner(answers=("I am a friend.",))
    talk = told_of_the_voice(threads, partner)
    hear_sound(talk, in_room(laugh()))
    talk.hear(SPEECH, 10)
    talk.wait_for("listening")
    (noticed,) = noticed_in(talk)
    assert (noticed["turn"], noticed["sounded"], noticed["laughs"]) == (1, "laughing", 1)
    assert (noticed["told"], noticed["reaction"]) == (TOLD["laughing"], "Ha ha!")
    assert partner.messages[0]["content"].endswith(f" {TOLD['laughing']}")
    assert partner.messages[-2:] == [
        {"role": "user", "content": "Who are you?"},
        {"role": "assistant", "content": "Ha ha!"},
    ]
    assert talk.transcripts()[-1] == ("agent", "Ha ha! I am a friend.", "Ha ha! I am a friend.")


def test_reaction_can_be_left_out(threads: ThreadPoolExecutor) -> None:
    partner = Partner(answers=("I am a friend.",))
    talk = told_of_the_voice(threads, partner, reactions=False)
    hear_sound(talk, in_room(breath(0.9)))
    talk.hear(SPEECH, 10)
    talk.wait_for("listening")
    (noticed,) = noticed_in(talk)
    assert (noticed["sounded"], noticed["told"], noticed["reaction"]) == ("sighing", TOLD["sighing"], "")
    assert partner.messages[0]["content"].endswith(TOLD["sighing"])
    assert talk.transcripts()[-1] == ("agent", "I am a friend.", "I am a friend.")


def test_turn_in_which_nothing_is_noticed_says_so_and_changes_no_prompt(threads: ThreadPoolExecutor) -> None:
    partner, control = Partner(), Partner()
    talk = told_of_the_voice(threads, partner)
    for each in (talk, Talk(control, threads)):
        each.hear(SPEECH, 10)
        each.wait_for("listening")
    assert [noticed["sounded"] for noticed in noticed_in(talk)] == [""]
    assert partner.messages == control.messages


def test_words_alone_are_the_same_after_a_laugh_and_after_a_sigh(threads: ThreadPoolExecutor) -> None:
    prompts = []
    for sound in (laugh(), breath(0.9)):
        partner = Partner()
        talk = Talk(partner, threads)
        hear_sound(talk, in_room(sound))
        talk.hear(SPEECH, 10)
        talk.wait_for("listening")
        assert noticed_in(talk) == []
        prompts.append(partner.messages)
    assert prompts[0] == prompts[1]


def test_laugh_in_a_discarded_turn_is_told_with_the_next_one(threads: ThreadPoolExecutor) -> None:
    partner = Partner(heard="Ha ha ha!")
    talk = told_of_the_voice(threads, partner)
    hear_sound(talk, in_room(laugh()))
    talk.hear(SPEECH, 4)
    talk.wait_for("discarded")
    partner.heard = "Who are you?"
    talk.hear(SPEECH, 10)
    talk.wait_for("listening")
    assert [(noticed["turn"], noticed["sounded"]) for noticed in noticed_in(talk)] == [(1, "laughing"), (2, "laughing")]
    assert talk.transcripts()[-1][1] == "Ha ha! I am a friend."


def test_laugh_while_the_agent_speaks_is_not_its_own_voice_taken_for_the_participants(
    threads: ThreadPoolExecutor,
) -> None:
    talk = told_of_the_voice(
        threads, Partner(answers=("I am a friend of yours and I always have been, and I always will be one.",))
    )
    talk.hear(SPEECH, 10)
    talk.wait_for("speaking")
    hear_sound(talk, in_room(laugh()))
    talk.wait_for("listening")
    talk.hear(SILENCE, 12)
    talk.hear(SPEECH, 10)
    talk.wait_for("listening")
    assert [noticed["sounded"] for noticed in noticed_in(talk)] == ["", ""]


def test_answer_that_fails_after_a_reaction_falls_back(threads: ThreadPoolExecutor) -> None:
    talk = told_of_the_voice(threads, Partner(answers=("",)))
    hear_sound(talk, in_room(laugh()))
    talk.hear(SPEECH, 10)
    talk.wait_for("listening")
    (agent,) = [event.data for event in talk.events if event.data.get("role") == "agent"]
    assert (agent["text"], agent["fallback"]) == (f"Ha ha! {FALLBACK}", True)


def test_reaction_stands_in_place_of_an_opening_and_is_recorded_as_by_rule(threads: ThreadPoolExecutor) -> None:
    partner = Partner(heard="I missed my train.", answers=("The next one comes soon.",))
    talk = told_of_the_voice(threads, partner, openings=True, candidates=2)
    for sound, first in ((in_room(laugh()), "Ha ha!"), (SILENCE, "I'm sorry to hear that.")):
        hear_sound(talk, sound)
        talk.hear(SPEECH, 10)
        talk.wait_for("listening")
        agent = [event.data for event in talk.events if event.data.get("role") == "agent"][-1]
        assert (agent["by_rule"], agent["raw_text"]) == (first, f"{first} The next one comes soon.")
        assert partner.begun[-1] == first


def test_answer_that_a_rule_gives_has_no_reaction_and_tells_the_model_nothing(threads: ThreadPoolExecutor) -> None:
    partner = Partner(heard="I have a fever.")
    talk = told_of_the_voice(threads, partner)
    hear_sound(talk, in_room(laugh()))
    talk.hear(SPEECH, 10)
    talk.wait_for("listening")
    (noticed,) = noticed_in(talk)
    assert (noticed["sounded"], noticed["told"], noticed["reaction"]) == ("laughing", "", "")
    (agent,) = [event.data for event in talk.events if event.data.get("role") == "agent"]
    assert (agent["by_rule"], partner.asked) == (agent["raw_text"], [])


def test_turn_that_is_given_up_keeps_what_was_noticed(threads: ThreadPoolExecutor) -> None:
    may_hear = Event()
    talk = told_of_the_voice(threads, Partner(on_recognition=may_hear.wait))
    hear_sound(talk, in_room(laugh()))
    talk.hear(SPEECH, 10)
    talk.wait_for("thinking")
    talk.hear(SILENCE, 21_000 // FRAME_MS)
    talk.wait_for("listening")
    assert noticed_in(talk) == []
    may_hear.set()
    talk.wait_until(lambda: bool(noticed_in(talk)))
    (noticed,) = noticed_in(talk)
    assert (noticed["turn"], noticed["sounded"], noticed["told"], noticed["reaction"]) == (1, "laughing", "", "")
