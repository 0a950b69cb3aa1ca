from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from inference.contract.errors import OptionError
from inference.engines.base import SlotConfig
from inference.engines.moshi_server.addresses import DIALECTS


def asked(dialect: str, config: SlotConfig, url: str = "ws://host/api/chat") -> dict[str, str]:
    DIALECTS[dialect].check(config)
    query = parse_qs(urlsplit(DIALECTS[dialect].address(url, config)).query, True, errors="strict")
    return {name: value for name, (value,) in query.items()}


@pytest.mark.parametrize("dialect", ["python", "mlx"])
def test_stock_takes_nothing(dialect: str) -> None:
    assert asked(dialect, SlotConfig(seed=7)) == {}


def test_rust_takes_sampling_and_seeds() -> None:
    options = {
        "temperature": 0.5,
        "top_k": 40,
        "text_temperature": 0,
        "text_top_k": 7,
        "max_steps": 900,
        "pad_mult": -1.5,
    }
    assert asked("rust", SlotConfig(seed=-1, options=options)) == {
        "audio_seed": str(2**31 - 1),
        "text_seed": str(2**31 - 1),
        "audio_temperature": "0.5",
        "audio_topk": "40",
        "text_temperature": "0",
        "text_topk": "7",
        "max_steps": "900",
        "pad_mult": "-1.5",
    }


def test_personaplex_takes_prompts_and_seed() -> None:
    text = "You are Zoë & you say “hi?” = 100 %\n"
    config = SlotConfig(text_prompt=text, voice_prompt="NATM1.pt", seed=5)
    assert asked("personaplex", config) == {"text_prompt": text, "voice_prompt": "NATM1.pt", "seed": "5"}


def test_personaplex_needs_both_prompts_always() -> None:
    assert asked("personaplex", SlotConfig()) == {"text_prompt": "", "voice_prompt": "NATF2.pt", "seed": "0"}


def test_address_keeps_the_operators_query() -> None:
    assert asked("rust", SlotConfig(seed=1), "ws://host/chat?token=a%26b&text_seed=9") == {
        "token": "a&b",
        "audio_seed": "1",
        "text_seed": "1",
    }


@pytest.mark.parametrize(
    ("dialect", "config", "name"),
    [
        ("python", {"options": {"temperature": 0.5}}, "temperature"),
        ("python", {"text_prompt": "You are a baker."}, "text_prompt"),
        ("mlx", {"voice_prompt": "NATM1.pt"}, "voice_prompt"),
        ("rust", {"text_prompt": "You are a baker."}, "text_prompt"),
        ("rust", {"options": {"temperature": "0.5"}}, "temperature"),
        ("rust", {"options": {"temperature": True}}, "temperature"),
        ("rust", {"options": {"temperature": 2.5}}, "temperature"),
        ("rust", {"options": {"temperature": float("nan")}}, "temperature"),
        ("rust", {"options": {"top_k": 2.0}}, "top_k"),
        ("rust", {"options": {"max_steps": 4_501}}, "max_steps"),
        ("rust", {"options": {"repetition_penalty": 1.2}}, "repetition_penalty and repetition_penalty_context"),
        ("personaplex", {"options": {"temperature": 0.5}}, "temperature"),
        ("personaplex", {"voice_prompt": "../../etc/passwd"}, "voice_prompt"),
        ("personaplex", {"voice_prompt": "a b"}, "voice_prompt"),
        ("personaplex", {"text_prompt": "ü" * 1_001}, "text_prompt"),
    ],
)
def test_check_what_a_dialect_does_not_take(dialect: str, config: dict[str, Any], name: str) -> None:
    with pytest.raises(OptionError) as caught:
        DIALECTS[dialect].check(SlotConfig(**config))
    assert caught.value.name == name


def test_check_longest_prompt_of_personaplex() -> None:
    DIALECTS["personaplex"].check(SlotConfig(text_prompt="ü" * 1_000))
