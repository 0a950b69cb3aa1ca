"""Checkpoints by the name of a repository or a folder, and what is said when there is none."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from inference.contract.errors import EngineUnavailable
from inference.engines.moshi.engine import MoshiEngine
from inference.engines.moshi.source import MoshiSettings, Source, find
from tests.inference.engines.moshi.hub import COMMIT, TOKEN, hub
from tests.moshi_checkpoint import tiny_checkpoint

NOWHERE = "http://127.0.0.1:9"  # nobody listens to the discard port


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """What the repositories hold: the tiny checkpoint with names as repositories have them."""
    folder = tmp_path / "files"
    shutil.copytree(tiny_checkpoint(), folder)
    config = json.loads((folder / "config.json").read_text())
    config = {name: value.rpartition("/")[2] if name.endswith("_name") else value for name, value in config.items()}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\ntags:\n- audio\n---\nlicense: not this one\n")
    return folder


@pytest.fixture
def endpoint(files: Path) -> Iterator[str]:
    with hub(files) as address:
        yield address


def settings(endpoint: str = NOWHERE, **given: str) -> dict[str, str]:
    return {"MOSHI_CHECKPOINT": "kyutai/tiny", "MOSHI_DEVICE": "cpu", "HF_ENDPOINT": endpoint, **given}


def found(given: dict[str, str]) -> Source:
    return find(MoshiSettings.read(given))


def why_not(given: dict[str, str]) -> EngineUnavailable:
    with pytest.raises(EngineUnavailable) as caught:
        MoshiEngine(1, given)
    return caught.value


@pytest.mark.parametrize("revision", ["", "v1", COMMIT])
def test_repository_is_pinned_to_the_commit_it_was_at(endpoint: str, revision: str) -> None:
    engine = MoshiEngine(1, settings(endpoint, MOSHI_REVISION=revision))
    snapshot = engine.snapshot()
    assert (snapshot["model"], snapshot["revision"], snapshot["source"]) == ("kyutai/tiny", COMMIT, "hub")
    assert snapshot["licence"] == "cc-by-4.0"


def test_repository_and_folder_of_the_same_files_have_one_fingerprint(endpoint: str, files: Path) -> None:
    of_hub = MoshiEngine(1, settings(endpoint))
    of_folder = MoshiEngine(2, settings(MOSHI_CHECKPOINT=str(files)))
    assert of_hub.snapshot()["fingerprint"] == of_folder.snapshot()["fingerprint"]


def test_what_was_fetched_once_needs_no_network(endpoint: str) -> None:
    MoshiEngine(1, settings(endpoint, MOSHI_REVISION=COMMIT))
    assert MoshiEngine(1, settings(MOSHI_REVISION=COMMIT)).snapshot()["revision"] == COMMIT


def test_another_engine_s_wish_to_stay_offline_is_not_ours(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert found(settings(endpoint)).revision == COMMIT
    assert constants.HF_HUB_OFFLINE is True


def test_operator_s_wish_to_stay_offline_is_kept(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "cannot be reached" in why_not(settings(endpoint, HF_HUB_OFFLINE="1")).reason


def test_file_of_another_repository_has_no_revision_of_this_one(endpoint: str, files: Path) -> None:
    config = json.loads((files / "config.json").read_text())
    config["mimi_name"] = "hf://kyutai/other/mimi.safetensors"
    (files / "config.json").write_text(json.dumps(config))
    engine = MoshiEngine(1, settings(endpoint, MOSHI_REVISION="v1"))
    assert engine.snapshot()["revision"] == COMMIT


def test_gated_repository_opens_with_a_token(endpoint: str) -> None:
    assert found(settings(endpoint, MOSHI_CHECKPOINT="kyutai/gated", HF_TOKEN=TOKEN)).revision == COMMIT


@pytest.mark.parametrize(
    ("given", "reason", "remedy"),
    [
        ({"MOSHI_CHECKPOINT": "kyutai/none"}, "shows no repository kyutai/none", "HF_TOKEN"),
        ({"MOSHI_REVISION": "v9"}, "no revision 'v9'", "MOSHI_REVISION"),
        ({"MOSHI_CHECKPOINT": "kyutai/gated"}, "only to those who accept its conditions", "HF_TOKEN"),
        ({"HF_TOKEN": "hf_wrong"}, "does not accept HF_TOKEN", "valid token"),
        ({"MOSHI_CHECKPOINT": "kyutai/-tiny-"}, "'kyutai/-tiny-' is no name of a repository", "owner/name"),
        ({"MOSHI_CHECKPOINT": ""}, "MOSHI_CHECKPOINT is not set", "kyutai/moshiko-pytorch-bf16"),
        (
            {"MOSHI_CHECKPOINT": "/no/such/folder"},
            "MOSHI_CHECKPOINT is '",
            "a folder on this machine, or a repository on the hub",
        ),
        (
            {"MOSHI_CHECKPOINT": "./no/such"},
            "MOSHI_CHECKPOINT is '",
            "a folder on this machine, or a repository on the hub",
        ),
        (
            {"MOSHI_CHECKPOINT": "moshiko"},
            "MOSHI_CHECKPOINT is '",
            "a folder on this machine, or a repository on the hub",
        ),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_what_cannot_be_had_is_said(endpoint: str, given: dict[str, str], reason: str, remedy: str) -> None:
    error = why_not({**settings(endpoint), **given})
    assert (reason in error.reason, remedy in error.remedy) == (True, True), str(error)


@pytest.mark.parametrize("given", [{"HF_ENDPOINT": NOWHERE}, {"MOSHI_CHECKPOINT": "kyutai/broken"}])
def test_hub_that_cannot_be_reached(endpoint: str, given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)  # between the library's attempts
    error = why_not({**settings(endpoint), **given})
    assert "/config.json is not on this machine yet, and the hub cannot be reached" in error.reason
    assert "bring a folder" in error.remedy


def test_token_is_not_in_errors(endpoint: str) -> None:
    assert "hf_wrong" not in str(why_not(settings(endpoint, HF_TOKEN="hf_wrong")))


def test_repository_without_weights(endpoint: str, files: Path) -> None:
    (files / "model.safetensors").unlink()
    assert "has no file model.safetensors" in why_not(settings(endpoint)).reason


def test_folder_takes_no_revision(files: Path) -> None:
    assert "MOSHI_REVISION" in why_not(settings(MOSHI_CHECKPOINT=str(files), MOSHI_REVISION="v1")).reason


@pytest.mark.parametrize("name", ["", "config.json"])
def test_folder_or_its_configuration(files: Path, name: str) -> None:
    assert found(settings(MOSHI_CHECKPOINT=str(files / name))).name == "files"


def test_moved_test_checkpoint_uses_its_own_files(tmp_path: Path) -> None:
    """Its configuration names files by full path. A copy does not read the original's, even while they are there."""
    copied = tmp_path / "copied"
    shutil.copytree(tiny_checkpoint(), copied)
    assert found(settings(MOSHI_CHECKPOINT=str(copied))).fetch(f"file://{tiny_checkpoint()}/model.safetensors") == (
        copied / "model.safetensors"
    )
    (copied / "model.safetensors").unlink()
    (copied / "mimi.safetensors").rename(tmp_path / "mimi.safetensors")
    assert found(settings(MOSHI_CHECKPOINT=str(copied))).fetch(f"file://{tmp_path}/mimi.safetensors").parent == tmp_path


def test_folder_with_a_file_missing(files: Path) -> None:
    (files / "tokenizer.model").unlink()
    assert "tokenizer.model is missing" in why_not(settings(MOSHI_CHECKPOINT=str(files))).reason


def test_file_that_is_no_configuration(files: Path) -> None:
    error = why_not(settings(MOSHI_CHECKPOINT=str(files / "model.safetensors")))
    assert "model.safetensors is no configuration" in error.reason


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "there is no checkpoint" in why_not(settings(MOSHI_CHECKPOINT=str(tmp_path / "empty"))).reason
