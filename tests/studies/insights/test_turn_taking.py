from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studies.errors import Unmeasurable
from studies.insights.speech import Stretch
from studies.insights.turn_taking import (
    Floor,
    floor_of,
    floor_transfer_offset_ms,
    pause_median_ms,
    response_latency_ms,
)


def stretches(*seconds: tuple[float, float]) -> list[Stretch]:
    return [Stretch(round(24_000 * start), round(24_000 * end)) for start, end in seconds]


def samples(*seconds: float) -> tuple[int, ...]:
    return tuple(round(24_000 * second) for second in seconds)


QUESTIONS = stretches((0, 2), (5, 7))
ANSWERS = stretches((2.6, 4.8), (7.4, 9))


def test_gaps_between_speakers_are_floor_transfers() -> None:
    assert floor_of(QUESTIONS, ANSWERS) == Floor(turns=2, offsets=samples(0.2), pauses=())
    assert floor_of(ANSWERS, QUESTIONS) == Floor(turns=2, offsets=samples(0.6, 0.4), pauses=())


def test_overlap_at_a_change_of_floor_is_negative() -> None:
    assert floor_of(stretches((1.7, 4)), stretches((0, 2))).offsets == samples(-0.3)


def test_speech_within_the_others_takes_no_floor() -> None:
    assert floor_of(stretches((1, 1.3)), stretches((0, 2))) == Floor(turns=0, offsets=(), pauses=())


def test_silence_within_a_turn_is_a_pause() -> None:
    own, other = stretches((0, 1), (1.5, 2), (5, 6)), stretches((3, 4))
    assert floor_of(own, other) == Floor(turns=2, offsets=samples(1.0), pauses=samples(0.5))
    assert floor_of(own, other).pause_ms == 500


def test_silence_after_a_backchannel_of_the_other_is_still_a_pause() -> None:
    own, other = stretches((0, 2), (2.5, 4)), stretches((1, 1.2))
    assert floor_of(own, other).pauses == samples(0.5)


def test_medians_are_in_milliseconds() -> None:
    floor = Floor(turns=4, offsets=samples(-0.3, 0.4, 0.6), pauses=samples(0.3, 0.5))
    assert floor_transfer_offset_ms(floor) == pytest.approx(400)
    assert response_latency_ms(floor) == pytest.approx(500)
    assert pause_median_ms(floor) == pytest.approx(400)


def test_a_conversation_without_changes_cannot_be_measured() -> None:
    silent = floor_of([], [])
    assert silent == Floor(turns=0, offsets=(), pauses=())
    for value in (floor_transfer_offset_ms, response_latency_ms, pause_median_ms):
        with pytest.raises(Unmeasurable):
            value(silent)


def test_latency_of_overlaps_alone_cannot_be_measured() -> None:
    with pytest.raises(Unmeasurable, match="after the other had ended"):
        response_latency_ms(Floor(turns=1, offsets=samples(-0.2), pauses=()))


edges = st.lists(st.integers(0, 1_000), unique=True, max_size=20).map(
    lambda cuts: [Stretch(a, b) for a, b in zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False)]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edges, edges)
def test_turns_alternate_whoever_speaks_when(own: list[Stretch], others: list[Stretch]) -> None:
    mine, theirs = floor_of(own, others), floor_of(others, own)
    assert len(mine.offsets) in (mine.turns, mine.turns - 1) if mine.turns else mine.offsets == ()
    assert len(mine.pauses) + mine.turns <= len(own)
    assert all(pause > 0 for pause in mine.pauses)
    shared_start = {s.start for s in own} & {s.start for s in others}
    if not shared_start:  # who is first is then no matter of taste
        assert abs(mine.turns - theirs.turns) <= 1
