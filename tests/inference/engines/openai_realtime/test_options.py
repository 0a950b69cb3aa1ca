from __future__ import annotations

from typing import Any

import pytest

from inference.contract.errors import OptionError
from inference.contract.options.openai_realtime import Options


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"voice": "marin"}, "voice"),
        ({"temperature": 0.5}, "temperature"),
        ({"temperature": "0.8"}, "temperature"),
        ({"speed": float("nan")}, "speed"),
        ({"speed": True}, "speed"),
        ({"max_output_tokens": 5.0}, "max_output_tokens"),
        ({"turn_detection": "none"}, "turn_detection"),
        ({"turn_detection": ["server_vad"]}, "turn_detection"),
        ({"barge_in": 1}, "barge_in"),
        ({"model": 5}, "model"),
        ({"eagerness": "low"}, "eagerness"),
        ({"turn_detection": "semantic_vad", "threshold": 0.5}, "threshold"),
    ],
)
def test_read_wrong(given: dict[str, Any], name: str) -> None:
    with pytest.raises(OptionError) as caught:
        Options.read(given)
    assert caught.value.name == name


def test_detection_of_turns() -> None:
    assert Options.read({}).detection() == {"type": "server_vad", "create_response": True, "interrupt_response": True}
    asked = {"turn_detection": "semantic_vad", "eagerness": "low", "barge_in": False}
    assert Options.read(asked).detection() == {
        "type": "semantic_vad",
        "eagerness": "low",
        "create_response": True,
        "interrupt_response": False,
    }
