"""The hub by the real client library, against a server with the hub's routes."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from inference.weights import hub as hubs
from inference.weights.hub import Access, HubModel, cached, fetch_from_hub, parse_hub
from tests.inference.weights.hub_server import COMMIT, TOKEN, Hub, serving

DIGEST = "ab" * 32
LARGE = bytes(range(256)) * 200
SMALL = b"small"
NOWHERE = "http://127.0.0.1:9"  # nobody listens to the discard port


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    hubs._answers.cache_clear()
    yield
    hubs._answers.cache_clear()
    hubs._SILENT.clear()


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = {"owner/repo": {"model.bin": LARGE, "sub/m.gguf": LARGE, "config.json": SMALL, "README.md": b"read me"}}
    with serving(Hub({**files, "owner/private": files["owner/repo"]}, frozenset({"owner/private"}))) as running:
        yield running


def access(hub: Hub, token: str = "") -> Access:
    return Access(hub.address, token)


def test_file_is_named_with_its_commit_and_digest() -> None:
    assert parse_hub(f"owner/repo/sub/m.gguf@{COMMIT}#{DIGEST}", folder=False) == HubModel(
        "owner/repo", "sub/m.gguf", COMMIT, DIGEST
    )


def test_folder_is_named_without_a_file() -> None:
    assert parse_hub(f"owner/repo@{COMMIT}", folder=True) == HubModel("owner/repo", "", COMMIT)


@pytest.mark.parametrize(
    "value",
    [
        "owner/repo/m.gguf",
        "owner/repo/m.gguf@main",
        f"repo@{COMMIT}",
        f"owner/repo@{COMMIT}",
        f"owner/repo/../../etc/passwd@{COMMIT}",
        f"owner/repo/m.gguf@{COMMIT}#12",
    ],
)
def test_name_that_pins_nothing_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="all 40 digits"):
        parse_hub(value, folder=False)


def test_model_counts_as_here_once_it_is_under_its_final_name(tmp_path: Path) -> None:
    model = HubModel("owner/repo", "m.gguf", COMMIT)
    assert cached(model, tmp_path) is None
    file = tmp_path / "hub" / f"owner--repo--m.gguf@{COMMIT}" / "m.gguf"
    file.parent.mkdir(parents=True)
    file.touch()
    assert cached(model, tmp_path) == file


def test_large_file_is_fetched_from_where_the_hub_sends_us(hub: Hub, tmp_path: Path) -> None:
    model = HubModel("owner/repo", "sub/m.gguf", COMMIT, hashlib.sha256(LARGE).hexdigest())
    path = fetch_from_hub(model, tmp_path, access(hub))
    assert path.read_bytes() == LARGE
    assert cached(model, tmp_path) == path
    assert "/store/owner/repo/sub/m.gguf" in hub.paths("GET")


def test_folder_model_is_fetched_without_what_it_does_not_need(hub: Hub, tmp_path: Path) -> None:
    folder = fetch_from_hub(HubModel("owner/repo", "", COMMIT), tmp_path, access(hub))
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == ["config.json", "model.bin"]
    assert (folder / "model.bin").read_bytes() == LARGE


def test_download_that_breaks_off_is_continued(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # what has arrived counts from chunk to chunk
    hub.cut_after_bytes = 20_000
    path = fetch_from_hub(HubModel("owner/repo", "sub/m.gguf", COMMIT), tmp_path, access(hub))
    assert path.read_bytes() == LARGE
    assert hub.ranges() == ["bytes=20000-", "bytes=40000-"]


def test_file_with_another_digest_than_the_setting_is_refused(hub: Hub, tmp_path: Path) -> None:
    model = HubModel("owner/repo", "sub/m.gguf", COMMIT, DIGEST)
    with pytest.raises(OSError, match="not the one in the setting"):
        fetch_from_hub(model, tmp_path, access(hub))
    assert cached(model, tmp_path) is None


def test_file_with_another_digest_than_the_hub_reports_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.lies = True
    model = HubModel("owner/repo", "sub/m.gguf", COMMIT)
    with pytest.raises(OSError, match="another SHA-256 than the hub reports"):
        fetch_from_hub(model, tmp_path, access(hub))
    assert cached(model, tmp_path) is None


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (HubModel("owner/repo", "none.gguf", COMMIT), "no such file"),
        (HubModel("owner/repo", "sub/m.gguf", "f" * 40), "no such commit"),
        (HubModel("owner/none", "sub/m.gguf", COMMIT), "shows no repository owner/none"),
        (HubModel("owner/private", "sub/m.gguf", COMMIT), "a private one needs HF_TOKEN"),
    ],
)
def test_refusal_says_what_was_wrong(hub: Hub, tmp_path: Path, model: HubModel, reason: str) -> None:
    with pytest.raises(OSError, match=reason):
        fetch_from_hub(model, tmp_path, access(hub))
    assert access(hub).answers()


def test_token_opens_a_private_repository(hub: Hub, tmp_path: Path) -> None:
    model = HubModel("owner/private", "sub/m.gguf", COMMIT)
    assert fetch_from_hub(model, tmp_path, access(hub, TOKEN)).read_bytes() == LARGE


def test_hub_that_refuses_every_file_is_told_by_its_status(hub: Hub, tmp_path: Path) -> None:
    hub.refuses = 403
    with pytest.raises(OSError, match="the hub answered 403"):
        fetch_from_hub(HubModel("owner/repo", "sub/m.gguf", COMMIT), tmp_path, access(hub))


def test_hub_is_asked_once_whether_it_answers(hub: Hub) -> None:
    assert [access(hub).answers() for _ in range(3)] == [True, True, True]
    assert hub.asked == [("HEAD", "/", "")]


def test_hub_is_not_asked_offline(hub: Hub) -> None:
    assert not Access(hub.address, offline=True).answers()
    assert hub.asked == []


def test_hub_that_is_not_there_does_not_answer() -> None:
    assert not Access(NOWHERE).answers()


def test_hub_that_accepts_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "ANSWER_SEC", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert not Access(f"http://127.0.0.1:{mute.getsockname()[1]}").answers()


def test_hub_that_falls_silent_is_not_asked_again(tmp_path: Path) -> None:
    with serving(Hub({"owner/repo": {"m.gguf": LARGE}})) as hub:
        gone = access(hub)
        assert gone.answers()
    with pytest.raises(OSError, match=r"silent|cannot be reached"):
        fetch_from_hub(HubModel("owner/repo", "m.gguf", COMMIT), tmp_path, gone)
    assert not gone.answers()
