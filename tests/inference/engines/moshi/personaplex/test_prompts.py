"""What PersonaPlex is told, step by step; computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from inference.engines.moshi.personaplex.model import (
    CHANNELS,
    CODEBOOKS,
    PERSONAPLEX_7B,
    forced_after,
    model_inputs,
    prompt_steps,
    tagged,
    voice_steps,
    voice_steps_of_cache,
)

DELAYS = PERSONAPLEX_7B["delays"]
INITIAL = [32_000] + [2_048] * 16
SILENCE = [948, 243, 1178, 546, 1736, 1030, 1978, 2008]
TONE = [430, 1268, 381, 1611, 1095, 1495, 56, 472]
PAUSE = 3


def test_order_of_the_prompts_is_voice_spacer_text_spacer() -> None:
    codes = np.arange(2 * CODEBOOKS).reshape(2, CODEBOOKS)
    told = prompt_steps(voice_steps(codes), [607, 4831])
    spacer = [[PAUSE, *SILENCE, *TONE]] * 6  # half a second at 12.5 Hz, rounded down
    np.testing.assert_array_equal(
        told,
        [
            [PAUSE, 0, 1, 2, 3, 4, 5, 6, 7, *TONE],
            [PAUSE, 8, 9, 10, 11, 12, 13, 14, 15, *TONE],
            *spacer,
            [607, *SILENCE, *TONE],
            [4831, *SILENCE, *TONE],
            *spacer,
        ],
    )


def test_without_voice_and_text_only_the_spacers_are_told() -> None:
    np.testing.assert_array_equal(prompt_steps(None, []), [[PAUSE, *SILENCE, *TONE]] * 12)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("You are Jane.", "<system> You are Jane. <system>"),
        ("  You are Jane.\n", "<system> You are Jane. <system>"),
        ("<system> You are Jane. <system>", "<system> You are Jane. <system>"),
    ],
)
def test_the_text_is_tagged_once(text: str, told: str) -> None:
    assert tagged(text) == told


def test_inputs_come_after_their_delays_and_begin_with_the_initial_tokens() -> None:
    told = 100 * np.arange(4)[:, None] + np.arange(CHANNELS)
    inputs = model_inputs(told, DELAYS, INITIAL)
    assert inputs[0].tolist() == INITIAL
    assert inputs[1].tolist() == [100, 101, *[2_048] * 7, 109, *[2_048] * 7]
    assert inputs[2].tolist() == [200, 201, *range(102, 109), 209, *range(110, 117)]
    assert inputs[3].tolist() == [300, 301, *range(202, 209), 309, *range(210, 217)]


def test_after_the_last_step_only_what_comes_late_is_forced() -> None:
    assert forced_after(prompt_steps(None, []), DELAYS, -1).tolist() == [-1, *SILENCE[1:]]


def test_the_ring_of_a_saved_voice_gives_its_last_steps() -> None:
    told = 100 * np.arange(7)[:, None] + np.arange(CHANNELS)
    ring = np.full((CHANNELS, 4), -2)
    for channel, delay in enumerate(DELAYS):
        for step in range(7):
            ring[channel, (step + delay) % 4] = told[step, channel]
    found = voice_steps_of_cache(ring, 7, DELAYS)
    np.testing.assert_array_equal(
        model_inputs(np.vstack([found, told[:2]]), DELAYS, INITIAL)[6:8, 1:9],
        [
            [601, *range(502, 509)],
            [1, *range(602, 609)],
        ],
    )
    assert found[6].tolist() == told[6].tolist()
