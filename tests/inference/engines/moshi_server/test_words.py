from __future__ import annotations

from inference.contract.audio import FRAME_SAMPLES
from inference.engines.moshi_server.words import Utterance, Word, Words

F = FRAME_SAMPLES


def read(pieces: dict[int, str], steps: int) -> list[Word | Utterance]:
    """Pieces by the step that says them."""
    words = Words()
    said: list[Word | Utterance] = []
    for step in range(steps):
        said += words.pass_to(step * F)
        if step in pieces:
            said += words.feed(pieces[step], step * F)
    return said


def test_pieces_become_words() -> None:
    assert read({2: " hel", 3: "lo", 6: " there", 7: "."}, 30) == [
        Word("hello", 2 * F, 4 * F, 1, opens=True),
        Word("there.", 6 * F, 8 * F, 1, opens=False),
        Utterance("hello there.", " hello there.", 2 * F, 8 * F, 1),
    ]


def test_word_is_complete_after_a_pause() -> None:
    assert read({2: " hello"}, 6) == []
    assert read({2: " hello"}, 7) == [Word("hello", 2 * F, 3 * F, 1, opens=True)]


def test_another_turn_after_a_longer_pause() -> None:
    assert read({1: " yes", 11: " no"}, 30) == [
        Word("yes", F, 2 * F, 1, opens=True),
        Utterance("yes", " yes", F, 2 * F, 1),
        Word("no", 11 * F, 12 * F, 2, opens=True),
        Utterance("no", " no", 11 * F, 12 * F, 2),
    ]


def test_same_turn_after_a_shorter_pause() -> None:
    assert [part.turn for part in read({1: " yes", 10: " no"}, 15)] == [1, 1]


def test_first_word_without_a_space() -> None:
    assert read({0: "Hi"}, 5) == [Word("Hi", 0, F, 1, opens=True)]


def test_several_words_in_a_piece() -> None:
    words = [part for part in read({0: " of the", 1: "m"}, 8) if isinstance(part, Word)]
    assert [word.text for word in words] == ["of", "them"]


def test_bytes_of_a_character() -> None:
    assert read({0: " caf", 1: "<0xC3>", 2: "<0xA9>"}, 8) == [Word("café", 0, 3 * F, 1, opens=True)]


def test_what_is_no_text() -> None:
    (word, said) = read({0: " a\x00b<", 1: "<0xFF>"}, 20)
    assert word == Word("a b<\ufffd", 0, 2 * F, 1, opens=True)
    assert isinstance(said, Utterance)


def test_spaces_alone_say_nothing() -> None:
    assert read({0: " ", 3: "  "}, 30) == []


def test_endless_word_and_turn_are_cut() -> None:
    said = read(dict.fromkeys(range(200), "x" * 50), 250)
    assert max(len(part.text) for part in said if isinstance(part, Word)) <= 300
    turns = [part for part in said if isinstance(part, Utterance)]
    assert len(turns) > 1
    assert sum(len(part.raw_text) for part in turns) == 200 * 50
