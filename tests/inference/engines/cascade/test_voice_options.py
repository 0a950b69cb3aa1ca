from __future__ import annotations

from typing import Any

import pytest

from inference.contract.catalog import ENGINES, check_options
from inference.contract.errors import OptionError
from inference.contract.options.cascade import Options
from inference.contract.options.cascade_voice import VoiceOptions, read_options


def test_kind_of_options_follows_from_what_it_hears() -> None:
    assert read_options({}) == Options()
    assert read_options({"hears": ["words"]}) == Options()
    assert read_options({"hears": ["words", "voice"], "loudness_db": 8}) == VoiceOptions(loudness_db=8.0)


@pytest.mark.parametrize("hears", [["voice"], ["words", "voice", "smell"], "words", ["voice", "words"]])
def test_other_senses_are_refused(hears: Any) -> None:
    with pytest.raises(OptionError) as refused:
        read_options({"hears": hears})
    expected = "[words]; cascade hears words, cascade_voice words and voice"
    assert (refused.value.name, refused.value.expected) == ("hears", expected)


def test_thresholds_are_options_of_the_machine_that_is_told_alone() -> None:
    assert check_options("cascade_voice", {"laugh_bursts": 5, "temperature": 0.5}) == []
    (problem,) = check_options("cascade", {"laugh_bursts": 5})
    assert (problem.name, problem.expected.startswith("no such option")) == ("laugh_bursts", True)


def test_variant_gives_the_engine_what_makes_it_one() -> None:
    entry = ENGINES["cascade_voice"]
    assert (entry.variant_of, entry.path) == ("cascade", ENGINES["cascade"].path)
    assert read_options(entry.fixed) == VoiceOptions()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"flat_semitones": 10, "lively_semitones": 8}, "flat_semitones"),
        ({"deep_voice_hz": 200, "high_voice_hz": 150}, "deep_voice_hz"),
    ],
)
def test_thresholds_that_contradict_each_other_are_refused(given: dict[str, float], name: str) -> None:
    with pytest.raises(OptionError) as refused:
        VoiceOptions.read(given)
    assert refused.value.name == name


def test_every_option_is_json() -> None:
    assert VoiceOptions().as_json()["hears"] == ["words", "voice"]
