"""What is wrong in itself and what does not fit are told together."""

from __future__ import annotations

from tests.studies.protocol.documents import paired
from tests.studies.protocol.rules.studies import problems


def test_what_is_wrong_in_itself_and_what_does_not_fit_are_told_together() -> None:
    document = paired(titel="x", summary=3, match_delay="yes", comparison={"labels": "leters"})
    document["conditions"][0]["engine"] = "cascad"
    document["pairs"][0]["conditions"][1] = "highr"
    assert problems(document) == [
        "summary: is 3; expected text; put it in quotes",
        "match_delay: is 'yes'; expected true or false; write true",
        "comparison.labels: is 'leters'; expected 'letters' or 'numbers'; did you mean letters?",
        "titel: is not a key here; did you mean title?",
        "pairs[0].conditions[1]: there is no condition called 'highr'; did you mean higher?",
        "conditions[0].engine: there is no engine called 'cascad'; did you mean cascade?",
    ]


def test_nothing_is_guessed_of_a_part_whose_name_is_wrong() -> None:
    document = paired()
    document["prompts"][0]["key"] = "A weekend"
    assert problems(document) == [
        "prompts[0].key: is 'A weekend'; expected lower-case letters, digits, - and _ only, beginning with a letter "
        "or digit"
    ]


def test_word_on_which_much_depends_is_taken_as_it_was_meant() -> None:
    document = paired(design={"cells": "pair", "order": "wiliams"}, stopping={"until": "soon"})
    document["pairs"][0]["conditions"][1] = "highr"
    assert problems(document) == [
        "design.cells: is 'pair'; expected 'pairs', 'crossed', 'assigned' or 'variants'; did you mean pairs?",
        "design.order: is 'wiliams'; expected 'williams', 'latin', 'graeco_latin', 'random' or 'fixed'; "
        "did you mean williams?",
        "stopping.until: is 'soon'; expected a day, such as 2026-12-31",
        "pairs[0].conditions[1]: there is no condition called 'highr'; did you mean higher?",
    ]


def test_what_is_left_out_because_it_is_wrong_is_not_told_to_be_missing() -> None:
    document = paired()
    document["conditions"][0]["voices"] = [{"preset": "sham", "end_sec": "9s"}, {"preset": "natural", "start_sec": 9}]
    assert problems(document) == ["conditions[0].voices[0].end_sec: is '9s'; expected a number"]
    document = paired(languages=["en", "sv"], translations="none yet")
    assert problems(document) == ["translations: is 'none yet'; expected a block of named values"]
