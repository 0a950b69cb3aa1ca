from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.wire import Metadata
from inference.engines.remote.playout import (
    MAX_ANSWER_SAMPLES,
    MAX_DELAY_SAMPLES,
    RESERVE_SAMPLES,
    WATCHED_STEPS,
    Playout,
    TooMuchSound,
)
from tests.inference.engines.remote.driving import sound
from tests.signals import noise, silence


def _told(name: str, at: int) -> Metadata:
    return Metadata("turn", {"state": name, "turn": at})


@pytest.mark.parametrize("size", [1, 7, 480, 1_920, 1_921, 5_000, 100_000])
def test_take_pieces_of_any_size(size: int) -> None:
    pcm = noise(2.0)[: 24 * FRAME_SAMPLES]
    playout = Playout(live=False)
    for start in range(0, len(pcm), size):
        playout.add(pcm[start : start + size])
    np.testing.assert_array_equal(sound([playout.take() for _ in range(24)]), pcm)
    assert not playout.take().pcm.any()


def test_take_nothing_there() -> None:
    output = Playout(live=True).take()
    assert (output.pcm.shape, output.pcm.dtype) == ((FRAME_SAMPLES,), np.dtype(np.float32))
    assert not output.pcm.any()


def test_take_part_of_a_frame_waits_one_step_for_its_rest() -> None:
    pcm = noise(0.08)
    playout = Playout(live=False)
    playout.add(pcm[:1_000])
    assert not playout.take().pcm.any()
    playout.add(pcm[1_000:])
    np.testing.assert_array_equal(playout.take().pcm, pcm)


def test_take_part_of_a_frame_without_rest() -> None:
    pcm = noise(0.04)
    playout = Playout(live=False)
    playout.add(pcm)
    assert not playout.take().pcm.any()
    np.testing.assert_array_equal(playout.take().pcm[: len(pcm)], pcm)


def test_take_part_of_a_frame_when_complete() -> None:
    pcm = noise(0.04)
    playout = Playout(live=False)
    playout.add(pcm)
    playout.complete()
    output = playout.take().pcm
    np.testing.assert_array_equal(output[: len(pcm)], pcm)
    assert not output[len(pcm) :].any()


def test_live_delay_shrinks_by_silence_alone() -> None:
    """A burst of five frames delays a steady stream; the pauses in it are shortened, the speech is not."""
    speech = [noise(0.08, seed=seed) for seed in range(60)]
    stream = [frame if step % 6 < 4 else silence(0.08) for step, frame in enumerate(speech)]
    playout = Playout(live=True)
    for frame in stream[:5]:
        playout.add(frame)
    heard = []
    for frame in stream[5:]:
        playout.add(frame)
        heard.append(playout.take().pcm)
    heard += [playout.take().pcm for _ in range(5)]
    loud = [frame for step, frame in enumerate(speech) if step % 6 < 4]
    said = np.concatenate(heard)
    said = said[said != 0.0]
    np.testing.assert_array_equal(said, np.concatenate(loud))
    counts = playout.counts()
    assert (counts["left_out_samples"], counts["lost_samples"]) == (5 * FRAME_SAMPLES - RESERVE_SAMPLES, 0)


def test_live_delay_is_bounded_without_silence() -> None:
    playout = Playout(live=True)
    speech = noise(10.0)
    for start in range(0, len(speech), FRAME_SAMPLES):
        playout.add(speech[start : start + FRAME_SAMPLES])
    waiting = 0
    while playout.take().pcm.any():
        waiting += FRAME_SAMPLES
    assert waiting <= MAX_DELAY_SAMPLES
    assert playout.counts()["lost_samples"] == len(speech) - waiting


def test_live_steady_stream_loses_nothing() -> None:
    playout = Playout(live=True)
    for _ in range(4 * WATCHED_STEPS):
        playout.add(silence(0.08))
        playout.take()
    assert playout.counts() == {"left_out_samples": 0, "lost_samples": 0, "gap_steps": 0}


def test_live_gap_is_counted() -> None:
    playout = Playout(live=True)
    playout.take()
    playout.add(noise(0.08))
    for _ in range(3):
        playout.take()
    assert playout.counts()["gap_steps"] == 2


def test_answer_waits_however_long_it_is() -> None:
    pcm = noise(30.0)
    playout = Playout(live=False)
    playout.add(pcm)
    np.testing.assert_array_equal(sound([playout.take() for _ in range(375)]), pcm)


def test_add_more_than_an_answer() -> None:
    playout = Playout(live=False)
    with pytest.raises(TooMuchSound):
        playout.add(np.zeros(MAX_ANSWER_SAMPLES + 1, np.float32))


def test_mark_in_its_frame() -> None:
    playout = Playout(live=False)
    playout.take()  # the clock goes on
    playout.add(noise(0.4), "answer")
    playout.mark("answer", 0, partial(_told, "first"))
    playout.mark("answer", 3_000, partial(_told, "middle"))
    assert [list(playout.take().events) for _ in range(3)] == [
        [_told("first", FRAME_SAMPLES)],
        [_told("middle", FRAME_SAMPLES + 3_000)],
        [],
    ]


def test_mark_that_is_past() -> None:
    playout = Playout(live=False)
    playout.add(noise(0.16), "answer")
    playout.take()
    playout.mark("answer", 500, partial(_told, "late"))
    assert list(playout.take().events) == [_told("late", 500)]


def test_mark_after_a_gap() -> None:
    playout = Playout(live=True)
    playout.add(noise(0.08))
    playout.take()
    playout.take()
    playout.add(noise(0.08))
    playout.mark("", FRAME_SAMPLES + 10, partial(_told, "on"))
    assert list(playout.take().events) == [_told("on", 2 * FRAME_SAMPLES + 10)]


def test_mark_in_silence_that_was_left_out() -> None:
    playout = Playout(live=True)
    for _ in range(3):
        playout.add(silence(0.08))
    for _ in range(WATCHED_STEPS):
        playout.add(silence(0.08))
        playout.take()
    begun = FRAME_SAMPLES * WATCHED_STEPS
    playout.mark("", begun + 100, partial(_told, "left out"))
    assert list(playout.take().events) == [_told("left out", begun)]


def test_stop_says_exactly_what_was_said() -> None:
    playout = Playout(live=False)
    pcm = noise(1.0)
    playout.add(pcm[:10_000], "a")
    playout.add(pcm[10_000:], "b")
    playout.mark("b", len(pcm) - 10_001, partial(_told, "never"))
    heard = [playout.take() for _ in range(7)]
    playout.stop()
    after = [playout.take() for _ in range(10)]
    assert (playout.taken("a"), playout.taken("b")) == (10_000, 7 * FRAME_SAMPLES - 10_000)
    np.testing.assert_array_equal(sound(heard), pcm[: 7 * FRAME_SAMPLES])
    assert not sound(after).any()
    assert [event for output in after for event in output.events] == []


def test_stop_then_the_next_answer() -> None:
    playout = Playout(live=False)
    playout.add(noise(1.0), "a")
    playout.take()
    playout.stop()
    pcm: Float32 = noise(0.16, seed=2)
    playout.add(pcm, "b")
    np.testing.assert_array_equal(sound([playout.take(), playout.take()]), pcm)
    assert playout.place("b", 0) == FRAME_SAMPLES


def test_place_not_given_away_yet() -> None:
    playout = Playout(live=False)
    playout.add(noise(0.16), "a")
    playout.take()
    assert (playout.place("a", FRAME_SAMPLES - 1), playout.place("a", FRAME_SAMPLES)) == (FRAME_SAMPLES - 1, None)


def test_tell_at_the_next_step() -> None:
    playout = Playout(live=False)
    playout.tell(_told("now", 1))
    assert [list(playout.take().events), list(playout.take().events)] == [[_told("now", 1)], []]
