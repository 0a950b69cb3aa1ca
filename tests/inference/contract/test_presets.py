from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.contract.catalog import CONVERTERS
from inference.contract.errors import OptionError, UnknownName
from inference.contract.latency import latency_samples
from inference.contract.parameters import PARAMETERS, resolve
from inference.contract.presets import PRESETS


def test_parameters_name_every_converter_of_the_catalogue() -> None:
    assert set(PARAMETERS) == set(CONVERTERS)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_is_accepted_by_its_converter(name: str) -> None:
    preset = PRESETS[name]
    in_force = resolve(preset.converter, preset.parameters)
    assert {key: in_force[key] for key in preset.parameters} == dict(preset.parameters)
    assert preset.label
    assert preset.source


def test_presets_are_all_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "voices.md").read_text()
    assert [name for name in PRESETS if f"`{name}`" not in page] == []


def test_preset_labels_are_distinct() -> None:
    assert len({preset.label for preset in PRESETS.values()}) == len(PRESETS)


def test_natural_is_unprocessed_and_sham_is_unchanged() -> None:
    assert (PRESETS["natural"].converter, PRESETS["natural"].parameters) == ("none", {})
    assert (PRESETS["sham"].converter, PRESETS["sham"].parameters) == ("resynthesis", {})


def test_resolve_without_parameters_gives_the_defaults() -> None:
    assert resolve("transform", {}) == {
        "f0_ratio": 1.0,
        "f0_target_hz": None,
        "formant_ratio": 1.0,
        "f0_range": 1.0,
        "f0_ref_hz": None,
        "breathiness": 0.0,
        "floor_hz": 60.0,
    }


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"pitch": 1.2}, "pitch"),
        ({"f0_ratio": 0.0}, "f0_ratio"),
        ({"f0_ratio": math.nan}, "f0_ratio"),
        ({"f0_ratio": math.inf}, "f0_ratio"),
        ({"f0_ratio": True}, "f0_ratio"),
        ({"f0_ratio": "1.2"}, "f0_ratio"),
        ({"f0_ratio": None}, "f0_ratio"),
        ({"floor_hz": 59.9}, "floor_hz"),
        ({"breathiness": 1.01}, "breathiness"),
        ({"f0_target_hz": 160, "f0_ratio": 1.2}, "f0_ratio"),
    ],
)
def test_resolve_with_a_bad_parameter_names_it(parameters: dict[str, object], name: str) -> None:
    with pytest.raises(OptionError) as caught:
        resolve("transform", parameters)
    assert caught.value.name == name


def test_resolve_of_own_voice_takes_a_delay_alone() -> None:
    assert resolve("none", {"delay_ms": 60}) == {"delay_ms": 60.0}
    with pytest.raises(OptionError, match="expected one of delay_ms for none"):
        resolve("none", {"f0_ratio": 1.0})


def test_delayed_own_voice_is_as_late_as_every_transformed_one() -> None:
    late = {latency_samples(preset.converter, preset.parameters) for preset in PRESETS.values()}
    assert late == {0, latency_samples("none", PRESETS["natural_delayed"].parameters)}


def test_resolve_of_an_unknown_converter_lists_the_known() -> None:
    with pytest.raises(UnknownName) as caught:
        resolve("magic", {})
    assert caught.value.known == tuple(PARAMETERS)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines may be busy
@given(st.dictionaries(st.sampled_from([*PARAMETERS["transform"], "other"]), st.floats() | st.none() | st.text()))
def test_resolve_of_anything_gives_values_in_range_or_an_option_error(parameters: dict[str, object]) -> None:
    try:
        in_force = resolve("transform", parameters)
    except OptionError:
        return
    for name, parameter in PARAMETERS["transform"].items():
        value = in_force[name]
        assert value == parameter.default or (value is not None and parameter.low <= value <= parameter.high)
