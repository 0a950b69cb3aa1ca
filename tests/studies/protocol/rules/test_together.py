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
        "prompts[0].key: is 'A weekend'; expected small letters, digits, - and _ alone, a letter or digit first"
    ]
