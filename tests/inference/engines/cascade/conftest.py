"""Weights are taken from where `make setup` puts them; tests' own data folder is empty."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from inference.contract.audio import Float32
from inference.contract.settings import ROOT
from inference.engines.base import SlotConfig
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.settings import CascadeSettings
from inference.weights.components import ENGINE_COMPONENTS
from inference.weights.fetching import fetch

MODELS_DIR = os.environ.get("MODELS_DIR", str(ROOT / "var" / "models"))
SLOTS = 2


@pytest.fixture(scope="session")
def loaded_engine() -> Iterator[CascadeEngine]:
    settings = {"MODELS_DIR": MODELS_DIR}
    for component in ENGINE_COMPONENTS["cascade"]:
        fetch(component, CascadeSettings.read(settings), tell=print)
    engine = CascadeEngine(SLOTS, settings)
    engine.warm_up()
    yield engine
    engine.shut_down()


@pytest.fixture
def engine(loaded_engine: CascadeEngine) -> Iterator[CascadeEngine]:
    """With both slots open."""
    for slot in range(SLOTS):
        loaded_engine.open(slot, SlotConfig(seed=7))
    yield loaded_engine
    for slot in range(SLOTS):
        loaded_engine.close(slot)
    assert loaded_engine.failed == {}


@pytest.fixture(scope="session")
def say() -> Speak:
    return Speak()


class Speak:
    """Spoken questions: text -> float32 [n] at 24 kHz."""

    def __init__(self) -> None:
        from hibari import Hibari

        self._hibari = Hibari(threads=1)

    def __call__(self, text: str) -> Float32:
        return np.asarray(self._hibari(text, seed=0), np.float32)
