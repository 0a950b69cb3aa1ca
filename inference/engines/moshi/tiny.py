"""A tiny Moshi: random weights in the real architecture, read by the same loader. For tests and benchmarks.

    python -m inference.engines.moshi.tiny FOLDER [--shape personaplex] [--seed N]

It writes config.json, model.safetensors, mimi.safetensors, mimi_config.json and tokenizer.model, with 0.5 million
parameters of the language model and 0.2 million of Mimi, which the seed determines. The model hears (its answer depends
on its input) and says nothing meaningful: syllables in the rhythm of speech. Its checkpoint says `test_only`, so no
open study can use it.

config.json names the files by their full path, as the package's own server needs it; MoshiEngine looks beside
config.json first, so that the folder can be moved and copied.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inference.contract.errors import InferenceError

if TYPE_CHECKING:
    from torch import Tensor

MODEL_ID: Final = {"name": "tiny", "test_only": True}
VOCABULARY: Final = 256
PAD: Final = 3  # as in Moshi's own tokenizer, in which 0 announces a word after a pause
QUIET: Final = 7.2  # how much likelier a pause is than any piece of text; about four steps in five are pauses
SPEECH_GAIN: Final = 1.6  # of the convolutions, because a signal would die out with random weights
LM: Final[Mapping[str, Any]] = {
    "dim": 64,
    "num_heads": 2,
    "num_layers": 2,
    "context": 24,
    "card": 64,
    "n_q": 16,
    "dep_q": 8,
    "depformer_dim": 32,
    "depformer_dim_feedforward": 128,
    "depformer_num_heads": 2,
    "depformer_num_layers": 2,
}
MIMI_DIM: Final = 32


class FolderProblem(InferenceError):
    """Raised when the folder cannot take a checkpoint; the text says why and what to do."""

    code = "folder_problem"


def make(folder: Path, seed: int = 0, lm: Mapping[str, Any] | None = None) -> None:
    """Writes the checkpoint. `lm` changes entries of the language model's configuration.

    config.json is written last, so a folder that has it is complete. Raises FolderProblem, and ModuleNotFoundError
    without torch or moshi."""
    import_module("inference.engines.moshi")  # This sets what must be set before moshi is imported.
    import torch

    folder = folder.absolute()
    _claim(folder)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            _write_tokenizer(folder / "tokenizer.model")
            _write_mimi(folder, LM["card"] if lm is None else lm.get("card", LM["card"]))
            config = _write_lm(folder, lm or {})
        names = {
            "moshi_name": f"file://{folder}/model.safetensors",
            "mimi_name": f"file://{folder}/mimi.safetensors",
            "mimi_config_name": f"file://{folder}/mimi_config.json",
            "tokenizer_name": f"file://{folder}/tokenizer.model",
        }
        document = {**config, "model_type": "moshi", "model_id": {**MODEL_ID, "seed": seed}, **names}
        (folder / "config.json").write_text(json.dumps(document, indent=1))
    except OSError as error:
        raise FolderProblem(f"{folder} cannot be written: {error.strerror or error}. Name another folder.") from error


def _claim(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except (FileExistsError, NotADirectoryError):
        raise FolderProblem(f"{folder} is a file, or lies under one. Name a folder.") from None
    except OSError as error:
        raise FolderProblem(f"{folder} cannot be written: {error.strerror}. Name another folder.") from error
    if occupied:
        raise FolderProblem(f"{folder} is not empty. Name a new folder, or empty this one.")


def _write_tokenizer(path: Path) -> None:
    import sentencepiece

    draw = random.Random(0)  # noqa: S311  # the same text every time
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    lines = [
        " ".join("".join(draw.choices(syllables, k=draw.randint(1, 3))) for _ in range(8)) + "." for _ in range(3_000)
    ]
    with path.open("wb") as model:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            vocab_size=VOCABULARY,
            model_type="bpe",
            unk_id=0,
            bos_id=1,
            eos_id=2,
            pad_id=PAD,
            num_threads=1,
            minloglevel=2,
        )


def _write_mimi(folder: Path, card: int) -> None:
    """Writes the codec at its own rates and strides, with few channels."""
    import torch
    from moshi.models import loaders

    config = {
        **loaders._mimi_config,
        "seanet": {**loaders._seanet_kwargs, "dimension": MIMI_DIM, "n_filters": 4},
        "quantizer": {
            "dimension": 16,
            "n_q": 8,
            "bins": card,
            "input_dimension": MIMI_DIM,
            "output_dimension": MIMI_DIM,
        },
        "transformer": {
            **loaders._transformer_kwargs,
            "d_model": MIMI_DIM,
            "num_heads": 2,
            "num_layers": 2,
            "context": 16,
            "dim_feedforward": 4 * MIMI_DIM,
            "input_dimension": MIMI_DIM,
            "output_dimensions": [MIMI_DIM],
            "layer_scale": 0.3,
        },
    }
    mimi = loaders.get_mimi(None, config, num_codebooks=8)
    for parameter in mimi.parameters():
        if parameter.dim() >= 3:  # convolutions
            parameter.mul_(SPEECH_GAIN)
    mimi.encoder.model[-1].conv.conv.weight.mul_(4.0)
    for name, buffer in mimi.named_buffers():  # These are the codebooks, which training would fill.
        if name.endswith("embedding_sum"):
            buffer.copy_(torch.randn_like(buffer) * 0.5)
        elif name.endswith(("cluster_usage", "_initialized")):
            buffer.fill_(1.0)
    _save(mimi.state_dict(), folder / "mimi.safetensors")
    (folder / "mimi_config.json").write_text(json.dumps(config, indent=1))


def _write_lm(folder: Path, changes: Mapping[str, Any]) -> dict[str, Any]:
    import torch
    from moshi.models import loaders

    config: dict[str, Any] = {**loaders._lm_kwargs, **LM, "text_card": VOCABULARY, **changes}
    lm = loaders.get_moshi_lm(None, dict(config), dtype=torch.float32)
    for embedding in (*lm.emb, lm.text_emb, *lm.depformer_emb, lm.depformer_text_emb):
        embedding.weight.normal_()
    for head in (lm.text_linear, *lm.linears):
        head.weight.mul_(3.0)
    # All steps have this dimension in common, and only the pause depends on it.
    lm.text_emb.weight[:, 0] = 8.0
    lm.text_linear.weight[:, 0] = 0.0
    lm.text_linear.weight[PAD] *= 0.1
    lm.text_linear.weight[PAD, 0] = QUIET
    _save(lm.state_dict(), folder / "model.safetensors")
    return config


def _save(state: Mapping[str, Tensor], path: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, path)


def make_personaplex(folder: Path, seed: int = 0) -> None:
    """Writes a checkpoint of PersonaPlex's shape and its folder of voices. Raises as `make`."""
    from inference.engines.moshi.personaplex import tiny

    make(folder, seed, tiny.LM)
    tiny.reshape(folder, seed)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m inference.engines.moshi.tiny", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="a new or empty folder")
    parser.add_argument("--shape", choices=("moshi", "personaplex"), default="moshi", help="whose (default moshi)")
    parser.add_argument("--seed", type=int, default=0, help="of the random weights (default 0)")
    given = parser.parse_args(arguments)
    try:
        (make_personaplex if given.shape == "personaplex" else make)(given.folder, given.seed)
    except FolderProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"The package {error.name} is missing. Run: make moshi", file=sys.stderr)
        return 1
    print(f"A tiny Moshi for tests is in {given.folder}. Use it with MOSHI_CHECKPOINT={given.folder.absolute()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
