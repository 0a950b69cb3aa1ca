"""python -m inference.converter_server.seed_vc.fetch FOLDER

Fetches Seed-VC's published real-time weights from the hub, 1.4 GB. Read the licence of each source first.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from inference.contract.errors import EngineUnavailable

os.environ["HF_HUB_OFFLINE"] = "0"  # Only this program fetches anything.

# Maps a file in the folder to its repository and its name there.
SOURCES: Final = {
    "config.yml": ("Plachta/Seed-VC", "config_dit_mel_seed_uvit_xlsr_tiny.yml"),
    "model.pth": ("Plachta/Seed-VC", "DiT_uvit_tat_xlsr_ema.pth"),
    "campplus.bin": ("funasr/campplus", "campplus_cn_common.bin"),
    "hift.pt": ("FunAudioLLM/CosyVoice-300M", "hift.pt"),
    "content/config.json": ("facebook/wav2vec2-xls-r-300m", "config.json"),
    "content/preprocessor_config.json": ("facebook/wav2vec2-xls-r-300m", "preprocessor_config.json"),
    "content/pytorch_model.bin": ("facebook/wav2vec2-xls-r-300m", "pytorch_model.bin"),
}


def fetch(folder: Path) -> None:
    """Fetches every file that is not there yet, and notes its revision. Raises EngineUnavailable, OSError."""
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    record = folder / "sources.json"
    sources = json.loads(record.read_text()) if record.is_file() else {}
    for name, (repository, file) in SOURCES.items():
        target = folder / name
        if target.is_file() and name in sources:
            continue
        try:
            revision = HfApi().model_info(repository).sha
            print(f"{name}: {repository} {revision}", flush=True)
            got = hf_hub_download(repository, file, revision=revision, local_dir=folder / ".download")
        except (HfHubHTTPError, OSError) as error:
            remedy = "Check the network, or set HF_ENDPOINT or HF_TOKEN; files that are here already are kept."
            raise EngineUnavailable(
                "seed_vc", f"{repository} cannot be fetched ({type(error).__name__})", remedy
            ) from None
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(got, target)
        sources[name] = {"repository": repository, "file": file, "revision": revision}
        record.write_text(json.dumps(sources, indent=1))
    shutil.rmtree(folder / ".download", ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        fetch(Path(sys.argv[1]))
    except (EngineUnavailable, OSError) as problem:
        sys.exit(str(problem))
