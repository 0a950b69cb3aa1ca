"""Options are checked by the web as the engines check them, without the engines."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from inference.contract.catalog import ENGINES, check_options


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_no_options_are_right_and_unknown_ones_are_told(engine: str) -> None:
    assert check_options(engine, {}) == []
    assert [error.name for error in check_options(engine, {"temprature": 1})] == ["temprature"]


@pytest.mark.parametrize(
    ("engine", "given", "wrong"),
    [
        ("cascade", {"temperature": 0.5, "barge_in": False}, []),
        (
            "cascade",
            {"temperature": 9, "barge_in": 1, "top_p": 0.5, "language": "sv"},
            ["temperature", "barge_in", "language"],
        ),
        ("moshi", {"top_k": 25, "temperature": True}, ["temperature"]),
        ("moshi_server", {"pad_mult": 1.5, "max_steps": 1.5}, ["max_steps"]),
        ("openai_realtime", {"turn_detection": "semantic_vad", "eagerness": "low"}, []),
        ("openai_realtime", {"eagerness": "low", "speed": 3}, ["speed", "eagerness"]),
    ],
)
def test_all_that_is_wrong_is_told(engine: str, given: dict[str, Any], wrong: list[str]) -> None:
    assert [error.name for error in check_options(engine, given)] == wrong


def test_engine_that_is_not_in_the_catalogue_takes_anything() -> None:
    assert check_options("of somebody else", {"a": 1}) == []


def test_no_model_is_loaded_for_it() -> None:
    heavy = "torch", "numpy", "faster_whisper", "xllamacpp", "onnxruntime"
    check = (
        "from inference.contract.catalog import ENGINES, check_options; [check_options(name, {}) for name in ENGINES]"
    )
    code = f"import sys; {check}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
