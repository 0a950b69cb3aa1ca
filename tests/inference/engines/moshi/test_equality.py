"""A row says what the package's own code says to the same microphone, alone; whoever else is in the batch."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from inference.contract.options.moshi import Sampling
from inference.engines.moshi.batch import Batch
from tests.inference.engines.moshi.rows import GREEDY, Talk, new_batch, talk_all
from tests.inference.engines.moshi.stock import Said, checkpoint, microphone, stock_session

PCM_TOLERANCE = 1e-6
# (joins at tick, steps): more than there are rows, some longer than the context of 24 steps
VISITS = {"ada": (0, 30), "ben": (0, 9), "cleo": (2, 20), "dan": (5, 3), "eve": (7, 14), "fay": (12, 12)}


def talks() -> dict[str, Talk]:
    return {name: Talk(microphone(place, steps), joins) for place, (name, (joins, steps)) in enumerate(VISITS.items())}


@cache
def alone(name: str) -> Said:
    return stock_session(talks()[name].frames, use_sampling=False)


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_greedy_conversations_equal_single_sessions(rows: int) -> None:
    """They join and leave at different ticks, miss frames and take over each other's rows."""
    visits = talks()
    talk_all(new_batch(rows), visits, late=0.15)
    assert len({talk.row for talk in visits.values()}) == min(rows, len(visits))
    for name, talk in visits.items():
        np.testing.assert_array_equal(talk.said.tokens, alone(name).tokens)
        np.testing.assert_allclose(talk.said.pcm, alone(name).pcm, rtol=0, atol=PCM_TOLERANCE)


def test_crowd_changes_no_bit() -> None:
    crowd = talks()
    talk_all(new_batch(8), crowd, late=0.15)
    by_herself = Talk(crowd["cleo"].frames, row=crowd["cleo"].row)
    talk_all(new_batch(8), {"cleo": by_herself})
    np.testing.assert_array_equal(by_herself.said.tokens, crowd["cleo"].said.tokens)
    np.testing.assert_array_equal(by_herself.said.pcm, crowd["cleo"].said.pcm)


def test_what_is_said_depends_on_what_is_heard() -> None:
    """Else equality would say nothing."""
    heard = microphone(1, 18)
    changed = heard.copy()
    changed[9] = 0.3 * np.random.default_rng(9).standard_normal(heard.shape[1])
    batch = new_batch(2)
    both = {"as it was": Talk(heard), "changed": Talk(changed)}
    talk_all(batch, both)
    before, after = both["as it was"].said.tokens, both["changed"].said.tokens
    first = int((before != after).any(axis=1).argmax())
    assert 7 <= first <= 10
    assert (before[first:] != after[first:]).mean() > 0.5


SAMPLINGS = {
    "ada": (Sampling(0.8, 50, 0.7, 25), 1),
    "ben": (Sampling(1.2, 10, 0.3, 5), 2),
    "cleo": (Sampling(0.5, 500, 1.0, 100), 3),
    "dan": (Sampling(0.0, 1, 0.7, 1), 4),
    "eve": (Sampling(0.8, 50, 0.7, 25), 99),
}


def test_rows_sample_as_single_sessions_do() -> None:
    """Each row has a temperature, a top-k and a seed of its own, and draws what the package draws after manual_seed."""
    heard = {name: microphone(20 + place % 4, 14) for place, name in enumerate(SAMPLINGS)}
    visits = {name: Talk(heard[name], 2 * place, *SAMPLINGS[name]) for place, name in enumerate(SAMPLINGS)}
    talk_all(new_batch(4), visits, late=0.1)
    for name, (sampling, seed) in SAMPLINGS.items():
        stock = stock_session(
            heard[name],
            seed=seed,
            use_sampling=True,
            temp=sampling.temperature,
            top_k=sampling.top_k,
            temp_text=sampling.text_temperature,
            top_k_text=sampling.text_top_k,
        )
        np.testing.assert_array_equal(visits[name].said.tokens, stock.tokens)
        np.testing.assert_allclose(visits[name].said.pcm, stock.pcm, rtol=0, atol=PCM_TOLERANCE)
    assert (visits["ada"].said.tokens != visits["eve"].said.tokens).mean() > 0.3  # the same but for the seed


def test_same_seed_again_changes_no_bit() -> None:
    sampling, seed = SAMPLINGS["ada"]
    batch = new_batch(3)
    first, second = (Talk(microphone(3, 12), 0, sampling, seed, row=1) for _ in range(2))
    talk_all(batch, {"first": first, "other": Talk(microphone(4, 7), 3, sampling, 5)}, late=0.2)
    talk_all(batch, {"second": second})
    np.testing.assert_array_equal(first.said.tokens, second.said.tokens)
    np.testing.assert_array_equal(first.said.pcm, second.said.pcm)


def test_bfloat16_greedy_equals_single_sessions() -> None:
    """The type on GPUs. Its logits often tie."""
    heard = {str(seed): microphone(seed, 14) for seed in range(2)}
    visits = {name: Talk(frames, sampling=GREEDY) for name, frames in heard.items()}
    talk_all(Batch(checkpoint().get_mimi(), checkpoint().get_moshi(dtype=torch.bfloat16), 3), visits, late=0.1)
    for name, frames in heard.items():
        stock = stock_session(frames, dtype=torch.bfloat16, use_sampling=False)
        np.testing.assert_array_equal(visits[name].said.tokens, stock.tokens)
