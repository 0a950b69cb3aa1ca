"""Models from the Hugging Face hub, for machines that reach it: named in the settings, pinned to a commit, checked.

A name reads `owner/repository/file.gguf@commit` or, for a folder model, `owner/repository@commit`; the commit is the
full 40 hexadecimal digits. A file may end in `#` and its SHA-256. Nothing is fetched unless a setting asks for it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONNECT_TIMEOUT_SEC: Final = 10.0
FOLDER_FILES: Final = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
_NAME: Final = re.compile(
    r"(?P<repository>[\w.-]+/[\w.-]+)(?:/(?P<file>[\w./-]+))?@(?P<revision>[0-9a-f]{40})(?:#(?P<sha256>[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class HubModel:
    """`file` is empty for a folder model; `sha256` is empty where the commit alone pins it."""

    repository: str
    file: str
    revision: str
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.repository}{'/' if self.file else ''}{self.file}@{self.revision}"


def parse_hub(value: str, *, folder: bool) -> HubModel:
    """The setting's text -> the model it names. Raises ValueError, saying what it should look like."""
    match = _NAME.fullmatch(value.strip())
    form = "owner/repository@commit" if folder else "owner/repository/file.gguf@commit"
    if match is None or bool(match["file"]) == folder or ".." in value:
        raise ValueError(f"{form}, with all 40 digits of the commit")
    return HubModel(match["repository"], match["file"] or "", match["revision"], match["sha256"] or "")


def cached(model: HubModel, root: Path) -> Path | None:
    """Where an earlier `fetch_from_hub` put the model under `root`, or None."""
    path = _folder(model, root) / model.file
    return path if path.exists() else None


def fetch_from_hub(model: HubModel, root: Path) -> Path:
    """Downloads the model under `root` and returns its file or folder; an interrupted download is continued.

    Raises OSError when the hub cannot be reached, knows no such model, or the file has another SHA-256."""
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    final = _folder(model, root)
    fresh = final.with_name(f".{final.name}")
    fresh.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if model.file:
            hf_hub_download(
                model.repository,
                model.file,
                revision=model.revision,
                local_dir=fresh,
                etag_timeout=CONNECT_TIMEOUT_SEC,
            )
        else:
            snapshot_download(
                model.repository,
                revision=model.revision,
                local_dir=fresh,
                etag_timeout=CONNECT_TIMEOUT_SEC,
                allow_patterns=list(FOLDER_FILES),
            )
    except (HfHubHTTPError, ValueError) as error:
        raise OSError(str(error)) from error
    if model.sha256:
        with (fresh / model.file).open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != model.sha256:
            (fresh / model.file).unlink()
            raise OSError(f"{model.file} has the SHA-256 {found}, not the one in the setting")
    fresh.rename(final)
    return final / model.file


def _folder(model: HubModel, root: Path) -> Path:
    """One folder for each file too: two files of one repository are fetched apart."""
    name = f"{model.repository}/{model.file}".rstrip("/").replace("/", "--")
    return root / "hub" / f"{name}@{model.revision}"
