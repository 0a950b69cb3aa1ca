"""Finds a checkpoint's files, in a repository on the Hugging Face hub at one commit, or in a folder on this machine.

`MOSHI_CHECKPOINT` names either: `kyutai/moshiko-pytorch-bf16`, `/models/mine`, `/models/mine/config.json`.
`MOSHI_REVISION` pins a repository to a commit, branch or tag; `HF_TOKEN` gives access to a gated one. Files that were
downloaded once are taken from the hub's cache (`HF_HOME`).

The files are those that the package's `CheckpointInfo` reads, with two differences. A file that the configuration takes
from another repository (`hf://owner/name/file`) is looked up at that repository's own revision, not at this one's. A
file that it takes from this machine (`file:///...`) may have moved together with the configuration.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.errors import EngineUnavailable
from inference.contract.settings import Settings

REPOSITORY: Final = re.compile(r"[\w-][\w.-]*/[\w.-]+")
CONNECT_TIMEOUT_SEC: Final = 10.0
CONFIG: Final = "config.json"
_LICENCE: Final = re.compile(r"^licen[cs]e(?:_name)?:\s*[\"']?([^\"'\n]+?)[\"']?\s*$", re.MULTILINE)


class MoshiSettings(Settings):
    """`checkpoint` is a folder on this machine, a configuration in one, or a repository on the hub."""

    model_config = SettingsConfigDict(env_prefix="MOSHI_")

    checkpoint: str = Field(
        "", description="Weights of the engine `moshi`: a folder, or on the hub (`kyutai/moshiko-pytorch-bf16`)."
    )
    revision: str = Field(
        "",
        description="Commit, branch or tag of that repository; empty for its newest. A take's snapshot has the commit.",
    )
    device: Annotated[Literal["auto", "cuda", "cpu"], BeforeValidator(lambda value: str(value).lower())] = Field(
        "auto", description="`cuda`, `cpu`, or `auto` for a GPU where there is one."
    )
    hf_token: str = Field(
        "",
        repr=False,
        validation_alias="HF_TOKEN",
        description="Token of the hub, for a repository that is private or gated.",
    )
    hf_endpoint: str = Field("", validation_alias="HF_ENDPOINT", description="A mirror of the hub; empty for the hub.")
    hf_hub_offline: bool = Field(
        False, validation_alias="HF_HUB_OFFLINE", description="Keeps the engine `moshi` from asking the hub."
    )

    @field_validator("checkpoint")
    @classmethod
    def _somewhere(cls, checkpoint: str) -> str:
        if not checkpoint:
            raise ValueError(
                "a repository on the hub (kyutai/moshiko-pytorch-bf16: 16 GB to download, needs a GPU) or a folder"
            )
        if not Path(checkpoint).expanduser().exists() and not REPOSITORY.fullmatch(checkpoint):
            raise ValueError("a folder on this machine, or a repository on the hub (owner/name)")
        return checkpoint

    @field_validator("revision")
    @classmethod
    def _of_a_repository(cls, revision: str, info: ValidationInfo) -> str:
        checkpoint = info.data.get("checkpoint")
        if revision and checkpoint and Path(checkpoint).expanduser().exists():
            raise ValueError("empty where MOSHI_CHECKPOINT is a folder: it pins a repository")
        return revision

    @property
    def folder(self) -> Path | None:
        """The checkpoint's path on this machine; None where it is on the hub."""
        path = Path(self.checkpoint).expanduser()
        return path if path.exists() else None


class Source(ABC):
    """A place with a checkpoint's files.

    `name` is that of the repository or the folder; `revision` is the commit, or "" for a folder. `config` is the
    content of config.json; None means that there is none, as for Moshi 7B when it was first published."""

    name: str
    revision: str
    config: dict[str, Any] | None
    config_path: Path | None

    @abstractmethod
    def fetch(self, name: str) -> Path:
        """Returns the file that the configuration calls `name`. Raises EngineUnavailable."""

    def licence(self) -> str | None:
        """Returns the licence in the README's front matter; None if it is not known."""
        try:
            readme = self.fetch("README.md").read_text(errors="replace")
        except (EngineUnavailable, OSError):
            return None
        front_matter = readme.split("\n---", 1)[0] if readme.startswith("---") else ""
        found = _LICENCE.findall(front_matter)
        return found[-1] if found else None


def find(settings: MoshiSettings) -> Source:
    """Returns the source that the settings name, with its configuration read. Raises EngineUnavailable."""
    if settings.folder:
        return Folder(settings.folder, settings)
    return Repository(settings.checkpoint, settings.revision, settings)


class Folder(Source):
    """A folder, or a configuration in a folder."""

    def __init__(self, path: Path, settings: MoshiSettings) -> None:
        path = path.absolute()
        self._folder = path if path.is_dir() else path.parent
        self._settings = settings
        self.name = self._folder.name
        self.revision = ""
        config = path / CONFIG if path.is_dir() else path
        if config.suffix != ".json":
            raise _unavailable(f"{path} is no configuration", f"Set MOSHI_CHECKPOINT to its folder, or to a {CONFIG}.")
        self.config_path = config if config.exists() else None
        self.config = _read_config(self.config_path)
        if self.config is None and not any(self._folder.glob("*.safetensors")):
            raise _unavailable(
                f"there is no checkpoint in {self._folder}", f"It should hold {CONFIG} and the files that it names."
            )

    def fetch(self, name: str) -> Path:
        if name.startswith("hf://"):
            return _of_another_repository(name, self._settings)
        named = Path(name.removeprefix("file://"))
        places = [self._folder / named]  # This is `named` itself if that is a full path.
        if named.is_absolute():
            places.append(self._folder / named.name)
        if test_only(self.config):  # A checkpoint for tests may have been copied, so its own files come first.
            places.reverse()
        for place in places:
            if place.is_file():
                return place
        raise _unavailable(f"{named.name} is missing in {self._folder}", f"Put it there, or name another in {CONFIG}.")


class Repository(Source):
    """A repository on the hub."""

    def __init__(self, name: str, revision: str, settings: MoshiSettings) -> None:
        self.name = name
        self.revision = revision
        self._settings = settings
        try:
            self.config_path = self.fetch(CONFIG)
        except NoSuchFile:
            self.config_path = None
        self.config = _read_config(self.config_path)

    def fetch(self, name: str) -> Path:
        if name.startswith("hf://"):
            return _of_another_repository(name, self._settings)
        if name.startswith("file://"):
            raise _unavailable(f"the configuration of {self.name} names a file of its author's machine", "Use another.")
        path = _download(self.name, name, self.revision, self._settings)
        self.revision = _commit(path) or self.revision  # From here on all files are of one commit.
        return path


def _of_another_repository(name: str, settings: MoshiSettings) -> Path:
    """Fetches hf://owner/name/file at the newest revision of that repository."""
    parts = name.removeprefix("hf://").split("/", 2)
    if len(parts) != 3:
        raise _unavailable(f"the configuration names {name!r}", "It should read hf://owner/name/file.")
    return _download(f"{parts[0]}/{parts[1]}", parts[2], "", settings)


def _download(repository: str, name: str, revision: str, settings: MoshiSettings) -> Path:
    """Downloads a file through the hub's cache.

    Raises EngineUnavailable, or its subclass NoSuchFile if only the file is missing."""
    from huggingface_hub import errors, hf_hub_download

    try:
        with _reaching_out(settings):
            return Path(
                hf_hub_download(
                    repository,
                    name,
                    revision=revision or None,
                    token=settings.hf_token or None,
                    endpoint=settings.hf_endpoint or None,
                    etag_timeout=CONNECT_TIMEOUT_SEC,
                )
            )
    except errors.GatedRepoError as error:
        raise _unavailable(
            f"{repository} is given only to those who accept its conditions",
            f"Accept them at https://huggingface.co/{repository} and set HF_TOKEN to a token of that account.",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise _unavailable(
            f"{repository} has no revision {revision!r}", "Set MOSHI_REVISION to a commit, branch or tag of it."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise _unavailable(
            f"the hub shows no repository {repository}",
            "Correct MOSHI_CHECKPOINT or, if it is private, set HF_TOKEN to a token that may read it.",
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:  # It has not been downloaded yet.
        raise _unavailable(
            f"{repository}/{name} is not on this machine yet, and the hub cannot be reached",
            "Connect it and leave HF_HUB_OFFLINE empty, or bring a folder and set MOSHI_CHECKPOINT to it.",
        ) from error
    except errors.EntryNotFoundError as error:
        raise NoSuchFile(
            "moshi", f"{repository} has no file {name}", "It is no Moshi checkpoint, or not at this revision."
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise _unavailable(
                f"the hub does not accept HF_TOKEN for {repository}", "Set it to a valid token that may read it."
            ) from error
        raise _unavailable(f"the hub answered {status} for {repository}", "Try again later.") from error
    except errors.HFValidationError as error:
        raise _unavailable(
            f"{repository!r} is no name of a repository", "MOSHI_CHECKPOINT should read owner/name."
        ) from error
    except OSError as error:
        raise _unavailable(
            f"{repository}/{name} cannot be stored ({error.strerror or error})", "Make room, or set HF_HOME."
        ) from error


class NoSuchFile(EngineUnavailable):
    """Raised when the repository exists but the file does not."""


def test_only(config: Mapping[str, Any] | None) -> bool:
    """Whether a checkpoint declares that it is for tests, with random weights."""
    model_id = (config or {}).get("model_id")
    return isinstance(model_id, Mapping) and model_id.get("test_only") is True


def _read_config(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        config = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise _unavailable(f"{path} cannot be read ({error})", "Fetch it again.") from error
    if not isinstance(config, dict):
        raise _unavailable(f"{path} holds no configuration", "Fetch it again.")
    return config


def _commit(path: Path) -> str:
    """Returns the commit of a file in the hub's cache: .../snapshots/<commit>/<file>."""
    parts = path.parts
    return parts[parts.index("snapshots") + 1] if "snapshots" in parts else ""


@contextmanager
def _reaching_out(settings: MoshiSettings) -> Iterator[None]:
    """Lets the hub be reached unless the operator's settings forbid it.

    Another engine in this process may have turned access off for itself, and the library has one switch for all."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before and settings.hf_hub_offline
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _unavailable(reason: str, remedy: str) -> EngineUnavailable:
    return EngineUnavailable("moshi", reason, remedy)
