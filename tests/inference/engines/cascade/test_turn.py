from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.hearing.turn import Act, Phase, Timing, TurnTaking
from inference.engines.cascade.hearing.vad import VAD_FRAME_MS

ONSET = Timing().onset_ms // VAD_FRAME_MS
SPEECH, SILENCE = 0.9, 0.05


def hear(floor: TurnTaking, probability: float, duration_ms: int, completeness: float | None = None) -> list[Act]:
    acts = [floor.hear(probability, completeness) for _ in range(-(-duration_ms // VAD_FRAME_MS))]
    return [act for act in acts if act is not None]


def committed(floor: TurnTaking) -> TurnTaking:
    hear(floor, SPEECH, 500)
    hear(floor, SILENCE, 500, 0.9)
    assert floor.phase is Phase.THINKING
    return floor


def speaking(floor: TurnTaking) -> TurnTaking:
    committed(floor).speak()
    return floor


def test_turn_starts_at_the_frame_that_completes_the_onset() -> None:
    floor = TurnTaking()
    assert [floor.hear(SPEECH) for _ in range(ONSET)] == [None] * (ONSET - 1) + [Act.START]


def test_click_is_no_turn() -> None:
    floor = TurnTaking()
    assert [floor.hear(SPEECH), floor.hear(SPEECH), floor.hear(SILENCE)] == [None, None, None]
    assert floor.phase is Phase.IDLE


def test_soft_frames_keep_a_turn_going_that_they_could_not_start() -> None:
    floor = TurnTaking()
    assert hear(floor, 0.4, 1_000) == []
    hear(floor, SPEECH, 200)
    assert hear(floor, 0.4, 1_000) == []
    assert floor.phase is Phase.HEARING


def test_pause_is_guessed_at_first_and_committed_when_it_lasts() -> None:
    floor = TurnTaking()
    hear(floor, SPEECH, 500)
    assert hear(floor, SILENCE, 200) == [Act.GUESS]
    assert hear(floor, SILENCE, 250, 0.9) == [Act.COMMIT]


def test_patience_depends_on_the_turn_end_model() -> None:
    waited = {}
    for completeness in (0.9, None, 0.1):
        floor = TurnTaking()
        hear(floor, SPEECH, 500)
        while floor.hear(SILENCE, completeness) is not Act.COMMIT:
            pass
        waited[completeness] = floor.pause_ms
    timing = Timing()
    wanted = (timing.complete_ms, timing.unjudged_ms, timing.unfinished_ms)
    assert tuple(waited.values()) == tuple(-(-ms // VAD_FRAME_MS) * VAD_FRAME_MS for ms in wanted)


def test_speech_in_the_pause_withdraws_the_guess_and_the_turn_goes_on() -> None:
    floor = TurnTaking()
    hear(floor, SPEECH, 500)
    hear(floor, SILENCE, 300)
    assert hear(floor, SPEECH, 100) == [Act.WITHDRAW]
    assert hear(floor, SILENCE, 500, 0.9) == [Act.GUESS, Act.COMMIT]


def test_one_noisy_frame_in_the_pause_changes_nothing() -> None:
    floor = TurnTaking()
    hear(floor, SPEECH, 500)
    hear(floor, SILENCE, 300)
    assert floor.hear(SPEECH) is None
    assert hear(floor, SILENCE, 200, 0.9) == [Act.COMMIT]


def test_speech_before_the_answer_sounds_retracts_it() -> None:
    floor = committed(TurnTaking())
    assert hear(floor, SPEECH, 200) == [Act.RETRACT]
    assert floor.phase is Phase.HEARING


def test_speech_interrupts_the_agent_after_long_enough() -> None:
    floor = speaking(TurnTaking())
    assert hear(floor, SPEECH, Timing().interrupt_ms - VAD_FRAME_MS) == []
    assert floor.hear(SPEECH) is Act.INTERRUPT
    assert floor.phase is Phase.HEARING


def test_cough_does_not_interrupt() -> None:
    floor = speaking(TurnTaking())
    assert hear(floor, SPEECH, 120) + hear(floor, SILENCE, 2_000) == []
    assert floor.phase is Phase.SPEAKING


def test_agent_that_may_not_be_interrupted_goes_on() -> None:
    floor = speaking(TurnTaking(interruptible=False))
    assert hear(floor, SPEECH, 2_000) == []
    assert floor.phase is Phase.SPEAKING


def test_speech_that_outlasts_the_answer_starts_a_turn() -> None:
    floor = speaking(TurnTaking(interruptible=False))
    hear(floor, SPEECH, 500)
    floor.listen()
    assert floor.hear(SPEECH) is Act.START


@given(st.lists(st.tuples(st.floats(0, 1), st.none() | st.floats(0, 1)), max_size=400))
def test_acts_come_in_an_order_that_makes_sense(frames: list[tuple[float, float | None]]) -> None:
    after = {
        None: {Act.START},
        Act.START: {Act.GUESS},
        Act.GUESS: {Act.WITHDRAW, Act.COMMIT},
        Act.WITHDRAW: {Act.GUESS},
        Act.COMMIT: {Act.RETRACT},
        Act.RETRACT: {Act.GUESS},
    }
    floor = TurnTaking()
    last = None
    for probability, completeness in frames:
        act = floor.hear(probability, completeness)
        if act is not None:
            assert act in after[last]
            last = act
