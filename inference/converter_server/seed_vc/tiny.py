"""python -m inference.converter_server.seed_vc.tiny FOLDER

Makes the same networks at a size for tests, with random weights. They convert into noise, through all of the real code.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from ruamel.yaml import YAML

from inference.converter_server.seed_vc.weights import SPEAKER_DIMENSIONS, import_package

CHANNELS = 32


def make(folder: Path, seed: int = 0) -> None:
    """Writes a weights folder of a few megabytes plus 28 for the speaker model. Raises EngineUnavailable, OSError."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    yaml = YAML(typ="safe")
    package = import_package()
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = yaml.load(package.folder / "configs/presets/config_dit_mel_seed_uvit_xlsr_tiny.yml")
    parameters = config["model_params"]
    parameters["speech_tokenizer"] = {"type": "xlsr", "output_layer": 1, "name": "random"}
    parameters["length_regulator"].update(channels=CHANNELS, in_channels=CHANNELS)
    parameters["DiT"].update(hidden_dim=CHANNELS, num_heads=2, depth=3, content_dim=CHANNELS)
    yaml.dump(config, folder / "config.yml")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        munched = package.commons.recursive_munch(parameters)
        munched.dit_type = "DiT"
        model = package.commons.build_model(munched, stage="DiT")
        torch.save({"net": {name: model[name].state_dict() for name in model}}, folder / "model.pth")
        speaker = package.campplus.CAMPPlus(feat_dim=80, embedding_size=SPEAKER_DIMENSIONS)
        torch.save(speaker.state_dict(), folder / "campplus.bin")
        vocoder = yaml.load(package.folder / "configs/hifigan.yml")
        vocoder["hift"].update(base_channels=CHANNELS)
        vocoder["f0_predictor"].update(cond_channels=CHANNELS)
        yaml.dump(vocoder, folder / "hifigan.yml")
        predictor = package.f0.ConvRNNF0Predictor(**vocoder["f0_predictor"])
        torch.save(
            package.hifigan.HiFTGenerator(**vocoder["hift"], f0_predictor=predictor).state_dict(), folder / "hift.pt"
        )
        content = Wav2Vec2Config(
            hidden_size=CHANNELS,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=2 * CHANNELS,
            conv_dim=[CHANNELS] * 7,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=2,
        )
        Wav2Vec2Model(content).save_pretrained(folder / "content")
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False).save_pretrained(folder / "content")
    (folder / "sources.json").write_text(json.dumps({"weights": f"random, seed {seed}: for tests alone"}))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make(Path(sys.argv[1]))
