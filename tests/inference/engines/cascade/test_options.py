from __future__ import annotations

from typing import Any

import pytest

from inference.contract.errors import OptionError
from inference.contract.options.cascade import Options


def test_defaults_stand_where_nothing_is_said() -> None:
    assert Options.read({}) == Options()


def test_given_options_are_taken() -> None:
    given = {"temperature": 1, "max_tokens": 20, "scrub_laughter": False, "language": "en"}
    assert Options.read(given) == Options(temperature=1.0, max_tokens=20, scrub_laughter=False)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("temperature", 2.5, "a number from 0.0 to 2.0"),
        ("temperature", "hot", "a number from 0.0 to 2.0"),
        ("temperature", True, "a number from 0.0 to 2.0"),
        ("temperature", float("nan"), "a number from 0.0 to 2.0"),
        ("max_tokens", 10.5, "a whole number from 8 to 400"),
        ("max_tokens", 0, "a whole number from 8 to 400"),
        ("scrub_laughter", "yes", "true or false"),
        ("language", "de", "'en', the only language there are models for"),
    ],
)
def test_wrong_value_is_refused_with_what_it_should_be(name: str, value: Any, expected: str) -> None:
    with pytest.raises(OptionError) as refused:
        Options.read({name: value})
    assert (refused.value.name, refused.value.expected) == (name, expected)


def test_unknown_option_is_refused_with_the_known_ones() -> None:
    with pytest.raises(OptionError, match="temperature, top_p, max_tokens"):
        Options.read({"temprature": 0.5})
