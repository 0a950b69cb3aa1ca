"""What becomes of a turn's sound and words before the language model sees them; no model needed."""

from __future__ import annotations

import numpy as np
import pytest

from inference.engines.cascade.hearing.recognition import SEGMENT_SEC, Recognition, repeats, segments
from inference.engines.cascade.hearing.vad import RATE_HZ
from inference.engines.cascade.reply import Heard, understand


def test_short_turn_is_one_segment() -> None:
    turn = np.ones(10 * RATE_HZ, np.float32)
    assert [len(piece) for piece in segments(turn)] == [len(turn)]


def test_long_turn_is_cut_where_it_is_quiet_and_nothing_is_lost() -> None:
    turn = np.random.default_rng(0).standard_normal(40 * RATE_HZ).astype(np.float32)
    turn[22 * RATE_HZ : 22 * RATE_HZ + RATE_HZ // 5] = 0
    first, second = segments(turn)
    assert 22 * RATE_HZ <= len(first) <= 22 * RATE_HZ + RATE_HZ // 5
    assert np.array_equal(np.concatenate([first, second]), turn)


def test_turn_that_goes_on_keeps_its_first_segments() -> None:
    turn = np.random.default_rng(1).standard_normal(100 * RATE_HZ).astype(np.float32)
    before, after = segments(turn[: 60 * RATE_HZ]), segments(turn)
    assert len(before) > 2
    assert [len(piece) for piece in before[:-1]] == [len(piece) for piece in after[: len(before) - 1]]
    assert max(len(piece) for piece in after) <= SEGMENT_SEC * RATE_HZ


@pytest.mark.parametrize(
    ("text", "looped"),
    [
        ("the cat the cat the cat the cat", True),
        ("what is the capital of the largest country", False),
        ("no no no", False),
    ],
)
def test_decoder_caught_in_a_loop_is_noticed(text: str, looped: bool) -> None:
    assert repeats(text) is looped


def test_scrubbed_and_raw_words_are_both_kept() -> None:
    found = [Recognition("Haha, who are you?", -0.2, 0.1)]
    assert understand(found, scrub_laughter=True) == Heard("Haha, who are you?", "Who are you?", ("Haha",), -0.2, 0.1)
    assert understand(found, scrub_laughter=False) == Heard("Haha, who are you?", "Haha, who are you?", (), -0.2, 0.1)


def test_laughter_alone_is_nothing_to_answer() -> None:
    heard = understand([Recognition("Ha ha ha!", -0.9, 0.3)], scrub_laughter=True)
    assert heard == Heard("Ha ha ha!", "", ("Ha ha ha",), -0.9, 0.3, reason="interjections_only")


def test_words_made_up_from_noise_are_nothing_to_answer() -> None:
    heard = understand([Recognition("Thank you.", -0.4, 0.97)], scrub_laughter=True)
    assert heard == Heard("Thank you.", "", (), -0.4, 0.97, reason="no_speech")


def test_pieces_of_a_long_turn_are_joined_without_the_empty_ones() -> None:
    found = [
        Recognition("It began", -0.1, 0.0),
        Recognition("Thanks!", -0.5, 0.99),
        Recognition("and ended.", -0.3, 0.1),
    ]
    assert understand(found, scrub_laughter=True) == Heard("It began and ended.", "It began and ended.", (), -0.3, 0.0)
