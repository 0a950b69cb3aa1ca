"""The tiny checkpoint: the same every time, read by the package's own loader, in a folder of its own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from moshi.models import loaders

from inference.engines.moshi import tiny
from tests.moshi_checkpoint import tiny_checkpoint

WEIGHTS = ("model.safetensors", "mimi.safetensors", "tokenizer.model", "mimi_config.json")


def hashes(folder: Path) -> list[str]:
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in WEIGHTS]


def test_same_seed_makes_the_same_weights(tmp_path: Path) -> None:
    tiny.make(tmp_path / "again")
    tiny.make(tmp_path / "other", seed=1)
    assert hashes(tmp_path / "again") == hashes(tiny_checkpoint())
    assert hashes(tmp_path / "other")[0] != hashes(tiny_checkpoint())[0]


def test_package_s_own_loader_reads_it() -> None:
    info = loaders.CheckpointInfo.from_hf_repo("nobody/nothing", config_path=tiny_checkpoint() / "config.json")
    assert info.model_type == "moshi"
    assert info.model_id["test_only"] is True
    assert info.get_mimi().frame_size == 1_920
    assert info.get_moshi().num_codebooks == 17


def test_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(tiny.FolderProblem, match="not empty"):
        tiny.make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("name", ["letter.txt", "letter.txt/folder", "/proc/nothing/here"])
def test_folder_that_cannot_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(tiny.FolderProblem, match=r"Name a(nother)? folder"):
        tiny.make(tmp_path / name)


def test_command_makes_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With Django's side importing no torch."""
    call_command("make_tiny_moshi", str(tmp_path / "made"), "--seed", "3")
    assert (tmp_path / "made" / "config.json").is_file()
    assert f"MOSHI_CHECKPOINT={tmp_path / 'made'}" in capfd.readouterr().out


def test_command_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(CommandError, match="is not empty"):
        call_command("make_tiny_moshi", str(tmp_path))


def test_without_torch_it_says_what_to_run(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from inference.engines.moshi import tiny; "
        f"sys.exit(tiny.main([{str(tmp_path / 'made')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "The package torch is missing. Run: make moshi\n")


def test_without_torch_the_engine_says_what_to_run() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from inference.contract.catalog import engine_class\nfrom inference.contract.errors import EngineUnavailable\n"
        "try:\n    engine_class('moshi')(1, {'MOSHI_CHECKPOINT': 'owner/name'})\n"
        "except EngineUnavailable as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "moshi cannot run here: the package torch is missing. Run: make moshi\n"
