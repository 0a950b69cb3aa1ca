from __future__ import annotations

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.engines.openai_realtime.answer import Item, Word
from tests.signals import noise, silence


def test_words_share_the_sounding_part() -> None:
    item = Item("a")
    item.write("It is four.", timed=False)
    item.hear(silence(0.5))
    item.hear(np.full(8_000, 0.5, np.float32))
    item.hear(silence(0.2))
    item.sound_done = item.text_done = True
    assert item.words() == [Word("It", 12_000, 14_000), Word("is", 14_000, 16_000), Word("four.", 16_000, 20_000)]


def test_words_of_sound_that_still_comes_are_not_crammed_into_it() -> None:
    item = Item("a")
    item.write("a much longer answer than this", timed=False)
    item.hear(noise(0.2))
    assert item.words()[-1].end > SAMPLE_RATE_HZ


def test_words_whose_text_comes_in_time() -> None:
    item = Item("a")
    item.write("Good", timed=True)
    item.hear(noise(0.4))
    item.write("morning", timed=True)
    item.hear(noise(3.0))
    assert item.words() == [Word("Good", 0, 9_600), Word("morning", 9_600, 9_600 + SAMPLE_RATE_HZ)]
    assert item.text == " Good morning"


def test_text_is_readable_and_bounded() -> None:
    item = Item("a")
    item.write("a\x00b\n" * 2_000, timed=False)
    assert item.text[:4] == "a b "
    assert len(item.text) == 4_000


def test_words_without_text() -> None:
    item = Item("a")
    item.hear(noise(0.4))
    assert item.words() == []
