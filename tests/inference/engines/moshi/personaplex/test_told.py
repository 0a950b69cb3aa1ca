"""A row that was told a persona says what the original program says, and what the package does with forced prompts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from inference.contract.audio import Float32
from inference.contract.options.moshi import Sampling
from inference.engines.base import SlotConfig
from inference.engines.moshi.personaplex.tiny import RECORDED_VOICE, SAVED_VOICE
from inference.engines.moshi.prompts import persona
from inference.engines.moshi.prompts.persona import STEPS_AT_ONCE
from tests.inference.engines.moshi.personaplex.conftest import PERSONAS, Told
from tests.inference.engines.moshi.personaplex.original import Tokens, forced_session, original_session
from tests.inference.engines.moshi.stock import microphone

PCM_TOLERANCE = 1e-6
STEPS = 9
LONG = SlotConfig("goro mu fina. " * 9, RECORDED_VOICE)  # takes more than one piece to tell


def steps_of(told: Told, config: SlotConfig) -> Tokens:
    return told.prompting._prompts(config).steps


def text_of(told: Told, config: SlotConfig) -> list[int]:
    tokens: list[int] = told.prompting._tokenizer.encode(f"<system> {config.text_prompt} <system>")
    return tokens if config.text_prompt else []


@cache
def heard() -> Float32:
    return microphone(5, STEPS)


@pytest.mark.parametrize("name", PERSONAS)
def test_a_row_says_what_the_original_says(told: Told, name: str) -> None:
    """The original listens to the first frame, and one step later to each: what it hears first is here heard second."""
    config = PERSONAS[name]
    tokens, pcm = original_session(config.voice_prompt, text_of(told, config), heard())
    told.open(1, config)
    ignored = microphone(99, 1)
    own_tokens, own_pcm = told.converse(1, np.concatenate([ignored, heard()[:-1]]))
    np.testing.assert_array_equal(own_tokens, tokens)
    np.testing.assert_allclose(own_pcm, pcm, rtol=0, atol=PCM_TOLERANCE)


def test_rows_of_a_crowd_say_what_single_sessions_with_forced_prompts_say() -> None:
    """Four at once, with different personas, coming at different ticks into the rows of one batch."""
    crowd = Told(4)
    configs = [LONG, PERSONAS["recorded"], PERSONAS["text alone"], PERSONAS["nothing"]]
    microphones = [microphone(row, STEPS) for row in range(4)]
    said: list[list[Tokens]] = [[] for _ in configs]
    sound: list[list[Float32]] = [[] for _ in configs]
    for tick in range(STEPS + 10):
        if tick % 2 == 0 and tick // 2 < len(configs):
            crowd.open(tick // 2, configs[tick // 2])
        live = [row for row in range(4) if row <= tick // 2 and len(said[row]) < STEPS]
        for row, step in crowd.step({row: microphones[row][len(said[row])] for row in live}).items():
            assert step.tokens is not None
            assert step.pcm is not None
            said[row].append(step.tokens)
            sound[row].append(step.pcm)
    for row, config in enumerate(configs):
        tokens, pcm = forced_session(steps_of(crowd, config), microphones[row], use_sampling=False)
        np.testing.assert_array_equal(np.stack(said[row]), tokens)
        np.testing.assert_allclose(np.stack(sound[row]), pcm, rtol=0, atol=PCM_TOLERANCE)


def test_a_seed_counts_from_the_first_own_word(told: Told) -> None:
    config, sampling = PERSONAS["recorded"], Sampling(0.8, 50, 0.7, 25)
    told.open(0, config, sampling, seed=3)
    tokens, _ = told.converse(0, heard())
    alone, _ = forced_session(
        steps_of(told, config), heard(), seed=3, use_sampling=True, temp=0.8, top_k=50, temp_text=0.7, top_k_text=25
    )
    np.testing.assert_array_equal(tokens, alone)


@pytest.mark.parametrize("config", [LONG, PERSONAS["saved"]], ids=["long", "saved"])
def test_a_kept_persona_starts_at_once_and_bit_for_bit_as_a_fresh_one(told: Told, config: SlotConfig) -> None:
    told.open(0, config)
    assert told.prompting._listeners.keys() == {0}
    fresh = told.converse(0, heard())
    told.open(0, config)
    assert told.prompting._listeners.keys() == set()
    again = told.converse(0, heard())
    np.testing.assert_array_equal(fresh[0], again[0])
    np.testing.assert_array_equal(fresh[1], again[1])
    told.open(2, config)
    elsewhere = told.converse(2, heard())
    np.testing.assert_array_equal(fresh[0], elsewhere[0])


def test_those_who_come_while_it_is_told_do_not_wait_for_their_own(told: Told) -> None:
    for row in range(3):
        told.open(row, LONG)
    pieces = 0
    while told.prompting._listeners:
        told.prompting.ready([])
        pieces += 1
    assert pieces == -(-(len(steps_of(told, LONG)) - 1) // STEPS_AT_ONCE)


def test_another_persona_says_something_else(told: Told) -> None:
    said = []
    for config in (PERSONAS["saved"], PERSONAS["voice alone"], PERSONAS["recorded"]):
        told.open(0, config)
        said.append(told.converse(0, heard())[0])
    assert all((one != other).mean() > 0.2 for one, other in zip(said, [*said[1:], said[0]], strict=True))


def test_neighbours_step_on_while_a_row_is_told(told: Told) -> None:
    """In every tick, and not a bit of what they say changes."""
    neighbour = microphone(7, 8)
    told.open(0, PERSONAS["nothing"])
    alone = told.converse(0, neighbour)
    told.open(0, PERSONAS["nothing"])
    said = []
    for tick, frame in enumerate(neighbour):
        if tick == 2:
            told.open(1, LONG)
        if tick == 4:
            told.open(2, PERSONAS["saved"])
        stepped = told.step({0: frame, 1: frame, 2: frame} if tick > 4 else {0: frame})
        said.append(stepped[0])
    np.testing.assert_array_equal(np.stack([step.tokens for step in said if step.tokens is not None]), alone[0])
    np.testing.assert_array_equal(np.stack([step.pcm for step in said if step.pcm is not None]), alone[1])


def test_no_step_tells_more_than_one_piece(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[int] = []
    tell = persona.live_through

    def counted(transformer: object, row: int, inputs: torch.Tensor) -> None:
        pieces.append(inputs.shape[1])
        tell(transformer, row, inputs)

    monkeypatch.setattr(persona, "live_through", counted)
    told.open(0, LONG)
    told.open(1, PERSONAS["saved"])
    told.step({})
    assert pieces == [STEPS_AT_ONCE]
    while told.prompting._listeners:
        before = len(pieces)
        told.step({})
        assert len(pieces) == before + 1
    assert sum(pieces) == len(steps_of(told, LONG)) + len(steps_of(told, PERSONAS["saved"])) - 2


def test_what_is_kept_has_nothing_of_a_conversation(told: Told) -> None:
    told.open(0, PERSONAS["saved"])
    told.prompting.finish(0)
    before = [layer.clone() for layer in next(iter(told.prompting._kept.values()))]
    told.converse(0, heard())
    after = next(iter(told.prompting._kept.values()))
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_what_was_not_used_for_longest_goes_first(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(name: str) -> None:
        told.open(0, PERSONAS[name])
        told.prompting.finish(0)

    monkeypatch.setattr(persona, "_bytes", lambda memory: 1)
    monkeypatch.setattr(persona, "KEPT_BYTES", 2)
    for name in ("nothing", "text alone", "nothing", "voice alone"):
        tell(name)
    assert list(told.prompting._kept) == [("", ""), ("", SAVED_VOICE)]
    monkeypatch.setattr(persona, "KEPT_BYTES", 0)
    tell("text alone")
    assert list(told.prompting._kept) == [("<system> dada goro mi <system>", "")]


def test_a_row_closed_while_it_is_told_leaves_nothing(told: Told) -> None:
    told.open(1, LONG)
    told.step({})
    told.close(1)
    assert told.prompting._listeners == {}
    told.open(1, PERSONAS["nothing"])
    first = told.converse(1, heard())
    fresh = Told(3)
    fresh.open(1, PERSONAS["nothing"])
    np.testing.assert_array_equal(first[1], fresh.converse(1, heard())[1])


@pytest.mark.parametrize("stepped", [None, 0, 3], ids=["not told yet", "just told", "in conversation"])
def test_a_row_moves_with_what_it_is_still_told(told: Told, stepped: int | None) -> None:
    told.open(0, PERSONAS["recorded"])
    stayed = told.converse(0, heard())
    told.prompting._kept.clear()
    told.open(0, PERSONAS["recorded"])
    told.prompting.finish(0)
    for frame in heard()[: stepped or 0]:
        told.batch.step({0: frame})
    state = told.batch.state(0)
    told.batch.check_state(state)
    told.batch.restore(2, state, Sampling(temperature=0.0, text_temperature=0.0))
    moved = told.converse(2, heard()[stepped or 0 :])
    np.testing.assert_array_equal(moved[0], stayed[0][stepped or 0 :])
