"""Frames on the microphone clock: nothing moves that was there, nothing is made up, latency goes out exactly."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from studies.talk.filing.timeline import Delayed, Lane, SlotClock, playback_delay_samples


def pcm(*values: int) -> bytes:
    return np.array(values, "<i2").tobytes()


def test_lane_marks_what_is_missing() -> None:
    lane = Lane()
    lane.add(2, pcm(1, 2))
    lane.add(6, pcm(3))
    assert lane.samples(9).tolist() == [0, 0, 1, 2, 0, 0, 3, 0, 0]
    assert lane.gaps(9) == [[0, 2], [4, 2], [7, 2]]


def test_lane_marks_padding_of_a_slip_with_the_gap_after_it() -> None:
    lane = Lane()
    lane.add(0, pcm(1, 2, 0, 0))  # two samples, then the clock jumped by five in mid-frame
    lane.slipped(2, 5)
    lane.add(7, pcm(3))
    assert lane.gaps(8) == [[2, 5]]


def test_lane_marks_no_slip_beyond_its_end_or_before_its_start() -> None:
    lane = Lane()
    lane.add(0, pcm(1, 2, 3))
    lane.slipped(2, 1_000_000)
    lane.slipped(-5, 6)
    lane.slipped(1, -7)
    assert lane.gaps(3) == [[0, 1], [2, 1]]


def test_lane_without_gaps() -> None:
    lane = Lane()
    lane.add(0, pcm(1, 2))
    lane.add(2, pcm(3))
    assert (lane.samples(3).tolist(), lane.gaps(3)) == ([1, 2, 3], [])


def test_lane_never_overwrites_when_the_clock_slips_back() -> None:
    lane = Lane()
    lane.add(0, pcm(1, 2, 3))
    lane.add(2, pcm(4, 5))
    assert lane.samples(lane.end).tolist() == [1, 2, 3, 4, 5]


def test_lane_leaves_out_what_lies_before_the_start() -> None:
    lane = Lane()
    lane.add(-2, pcm(1, 2, 3))
    assert lane.samples(1).tolist() == [3]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), max_size=12), st.integers(0, 9))
def test_delayed_puts_every_sample_back_where_it_went_in(jumps: list[tuple[int, int]], latency: int) -> None:
    lane, expected, stream = Lane(), {}, [0] * latency
    delayed = Delayed(lane, latency)
    place, value = 0, 0
    for jump, size in jumps:
        place += jump
        for offset in range(size):
            value += 1
            stream.append(value)
            expected[place + offset] = value
        delayed.add([place], pcm(*[stream.pop(0) for _ in range(size)]))
        place += size
    for lost in stream:  # still in the converter when the take ended
        expected = {at: said for at, said in expected.items() if said != lost}
    track = lane.samples(place)
    assert {at: int(said) for at, said in enumerate(track) if said} == expected


def test_delayed_puts_the_parts_of_a_frame_on_both_sides_of_a_jump() -> None:
    lane = Lane()
    delayed = Delayed(lane, 1)
    delayed.add([0, 2, 7, 9], pcm(0, 1, 2, 3, 4, 5, 6, 7))  # the capture clock jumped in mid-frame
    delayed.add([11], pcm(8))
    assert lane.samples(lane.end).tolist() == [1, 2, 3, 4, 0, 0, 0, 5, 6, 7, 8]


def test_delayed_after_lost_frames_starts_clean() -> None:
    lane = Lane()
    delayed = Delayed(lane, 1)
    delayed.add([0], pcm(0, 1))
    delayed.lost()  # the output for places 2 and 3 never came, and held the 2 of place 1
    delayed.add([4], pcm(4, 5))
    assert lane.samples(6).tolist() == [1, 0, 0, 0, 5, 0]


def test_slot_clock_puts_time_without_steps_back_in() -> None:
    clock = SlotClock([0, 1_920, 24_000])
    assert [clock.mic_ms(ms) for ms in (0.0, 100.0, 160.0, 200.0, 400.0)] == [0.0, 100.0, 1_000.0, 1_040.0, 1_240.0]


def test_slot_clock_without_steps_changes_nothing() -> None:
    assert SlotClock([]).mic_ms(123.0) == 123.0


def test_playback_delay_is_the_median_of_matching_reports() -> None:
    steps = [(0, 0), (1, 1_920), (5, 9_600)]
    assert playback_delay_samples([(0, 3_000), (1, 4_920), (5, 9_700), (3, 1)], steps) == 3_000


def test_playback_delay_without_reports() -> None:
    assert playback_delay_samples([], [(0, 0)]) is None
