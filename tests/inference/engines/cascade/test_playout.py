from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.playout import FADE_SAMPLES, Clause, Playout, Word, align

FRAME = 1_920


def clause(samples: int, *words: Word) -> Clause:
    return Clause(" ".join(word.text for word in words), np.ones(samples, np.float32), words)


def test_nothing_to_say_is_silence() -> None:
    pcm, words = Playout().take(FRAME, 0)
    assert (pcm.tolist(), words) == ([0.0] * FRAME, [])


def test_words_are_told_in_the_frame_they_begin_in_on_the_slots_clock() -> None:
    playout = Playout()
    playout.add(clause(3_000, Word("good", 100, 1_000), Word("day", 2_000, 2_900)))
    assert playout.take(FRAME, 48_000)[1] == [Word("good", 48_100, 49_000)]
    assert playout.take(FRAME, 48_000 + FRAME)[1] == [Word("day", 50_000, 50_900)]
    assert playout.empty


def test_clauses_follow_each_other_without_a_gap() -> None:
    playout = Playout()
    playout.add(clause(1_000, Word("one", 0, 1_000)))
    playout.add(clause(1_000, Word("two", 0, 1_000)))
    pcm, words = playout.take(FRAME, 0)
    assert np.count_nonzero(pcm) == FRAME
    assert words == [Word("one", 0, 1_000), Word("two", 1_000, 2_000)]


def test_interruption_fades_out_and_keeps_what_was_spoken() -> None:
    playout = Playout()
    playout.add(clause(9_000, Word("good", 0, 1_000), Word("day", 1_500, 2_500), Word("sir", 3_000, 4_000)))
    playout.take(FRAME, 0)
    fade = playout.stop(FRAME)
    assert (len(fade), fade[0], fade[-1]) == (FADE_SAMPLES, 1.0, 0.0)
    assert playout.spoken == [Word("good", 0, 1_000), Word("day", 1_500, FRAME + FADE_SAMPLES)]
    assert playout.empty


def test_word_that_had_barely_begun_was_not_spoken() -> None:
    playout = Playout()
    playout.add(clause(9_000, Word("good", 0, 1_000), Word("afternoon", 1_900, 8_000)))
    playout.take(FRAME, 0)
    playout.stop(FRAME)
    assert playout.spoken == [Word("good", 0, 1_000)]


def test_interrupting_silence_gives_no_sound() -> None:
    assert Playout().stop(0).tolist() == []


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=6), st.integers(1, 4_000))
def test_all_sound_comes_out_once_whatever_the_frame(lengths: list[int], frame: int) -> None:
    playout = Playout()
    for number, length in enumerate(lengths):
        playout.add(clause(length, Word(str(number), 0, length)))
    sound, told, now = 0, [], 0
    while not playout.empty:
        pcm, words = playout.take(frame, now)
        sound += int(np.count_nonzero(pcm))
        told += words
        now += frame
    ends = np.cumsum(lengths).tolist()
    assert sound == sum(lengths)
    assert told == [Word(str(n), end - length, end) for n, (length, end) in enumerate(zip(lengths, ends, strict=True))]


def test_words_share_a_clause_by_their_weight() -> None:
    assert align("a bcd", [1, 3], 100, 500) == (Word("a", 100, 200), Word("bcd", 200, 500))
