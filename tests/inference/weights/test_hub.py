from __future__ import annotations

from pathlib import Path

import pytest

from inference.weights.settings import HubModel, cached, parse_hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "ab" * 32


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
