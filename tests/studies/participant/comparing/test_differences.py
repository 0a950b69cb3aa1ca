from __future__ import annotations

import re

import pytest
from django.utils import translation

from hearmeout_site.environment import ROOT
from studies.insights.acoustic import LEAST_VOICED_SEC
from studies.insights.measure import METHODS
from studies.insights.speech import LEAST_RATED_SEC
from studies.participant.comparing.differences import MAIN, REASONS, REST, Bar, _bars, _number, label


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.0, "0"),
        (7.0, "7"),
        (4.126, "4.13"),
        (18.26, "18.3"),
        (182.6, "183"),
        (-0.2, "−0.20"),
        (-182.6, "−183"),
    ],
)
def test_numbers_have_about_three_figures_and_a_proper_minus(value: float | None, text: str) -> None:
    assert _number(value) == text


def test_numbers_have_the_decimal_sign_of_the_language() -> None:
    with translation.override("sv"):
        assert _number(-4.126, signed=True) == "−4,13"
    with translation.override("de"):
        assert _number(18.26) == "18,3"


def test_every_reason_that_a_measurement_gives_is_known_to_translators() -> None:
    code = "".join(path.read_text() for path in sorted((ROOT / "studies" / "insights").glob("*.py")))
    filled = {"{LEAST_VOICED_SEC:g}": f"{LEAST_VOICED_SEC:g}", "{LEAST_RATED_SEC:g}": f"{LEAST_RATED_SEC:g}"}
    raised = set()
    for found in re.findall(r'raise Unmeasurable\(f?"([^"]+)"\)', code):
        for kind in ("agent", "heard", "participant"):
            reason = found.replace("{self.kind}", kind).replace("{OTHER[self.kind]}", kind)
            for placeholder, value in filled.items():
                reason = reason.replace(placeholder, value)
            raised.add(reason)
    assert raised == set(REASONS)


def test_bars_of_positive_values_grow_from_the_left() -> None:
    assert _bars([4.0, 2.0, None], "Hz") == [Bar(0, 100), Bar(0, 50), None]


def test_bars_grow_both_ways_from_the_middle_once_a_value_is_negative() -> None:
    assert _bars([-0.5, 0.25], "") == [Bar(0, 50), Bar(50, 25)]


def test_decibels_and_zeros_have_no_bars() -> None:
    assert _bars([-20.0, -30.0], "dBFS") == [None, None]
    assert _bars([0.0, 0.0], "Hz") == [None, None]


def test_label_of_an_unknown_metric_is_spelt_out() -> None:
    assert label("voice_onset") == "Voice onset"


def test_every_metric_that_is_computed_has_a_label() -> None:
    assert {method.name for method in METHODS} == MAIN.keys() | REST.keys()
