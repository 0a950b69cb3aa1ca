"""Settings that say where the weights of the local engine are, on this machine or on the Hugging Face hub."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.settings import DataFolder, LoadedEngines
from inference.weights.components import COMPONENTS, Component

CONNECT_TIMEOUT_SEC: Final = 10.0
FOLDER_FILES: Final = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
_NAME: Final = re.compile(
    r"(?P<repository>[\w.-]+/[\w.-]+)(?:/(?P<file>[\w./-]+))?@(?P<revision>[0-9a-f]{40})(?:#(?P<sha256>[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model on the hub. `file` is "" for a folder model; `sha256` is "" where the commit alone pins the model."""

    repository: str
    file: str
    revision: str
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.repository}{'/' if self.file else ''}{self.file}@{self.revision}"


def parse_hub(value: str, *, folder: bool) -> HubModel:
    """Parses a setting into the model that it names. Raises ValueError with the expected form.

    A name reads `owner/repository/file.gguf@commit` or, for a folder model, `owner/repository@commit`; the commit is
    the full 40 hexadecimal digits. A file may end in `#` and its SHA-256. Nothing is fetched unless a setting asks for
    it."""
    match = _NAME.fullmatch(value.strip())
    form = "owner/repository@commit" if folder else "owner/repository/file.gguf@commit"
    if match is None or bool(match["file"]) == folder or ".." in value:
        raise ValueError(f"{form}, with all 40 digits of the commit")
    return HubModel(match["repository"], match["file"] or "", match["revision"], match["sha256"] or "")


def cached(model: HubModel, root: Path) -> Path | None:
    """Returns where an earlier `fetch_from_hub` put the model under `root`, or None if it did not."""
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
    """Returns the folder of a model. Each file of a repository has its own, because files are fetched separately."""
    name = f"{model.repository}/{model.file}".rstrip("/").replace("/", "--")
    return root / "hub" / f"{name}@{model.revision}"


class WeightsSettings(DataFolder, LoadedEngines):
    """`*_path` names the operator's own file or folder for a component, `*_hub` a model on the hub."""

    model_config = SettingsConfigDict(env_prefix="CASCADE_")

    models_dir: Path | None = Field(
        None,
        validation_alias="MODELS_DIR",
        description="Weights of the local engine; empty for `models` in DATA_DIR.",
    )
    language_path: str = Field("", description="A GGUF instruct model of your own for the local engine.")
    language_hub: str = Field("", description="Or one on the hub: `owner/repository/file.gguf@commit#sha256`.")
    recognition_path: str = Field("", description="A faster-whisper model folder of your own.")
    recognition_hub: str = Field("", description="Or one on the hub: `owner/repository@commit`.")
    turn_end_path: str = Field("", description="A smart-turn ONNX file of your own.")
    turn_end_hub: str = Field("", description="Or one on the hub: `owner/repository/file.onnx@commit`.")

    @field_validator("language_hub", "recognition_hub", "turn_end_hub")
    @classmethod
    def _named_rightly(cls, value: str, info: ValidationInfo) -> str:
        if value:
            component = COMPONENTS[(info.field_name or "").removesuffix("_hub")]
            parse_hub(value, folder=not component.entry)
        return value

    @property
    def folder(self) -> Path:
        """Where fetched weights are kept: MODELS_DIR, else DATA_DIR/models."""
        return self.models_dir or self.data_dir / "models"

    def own_path(self, component: Component) -> Path | None:
        """Returns the operator's own file or folder for a component, or None."""
        named: str = getattr(self, f"{component.name}_path")
        return Path(named) if named else None

    def hub_model(self, component: Component) -> HubModel | None:
        """Returns the hub model that is configured for a component, or None."""
        named: str = getattr(self, f"{component.name}_hub")
        return parse_hub(named, folder=not component.entry) if named else None
