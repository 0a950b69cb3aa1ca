"""The Hugging Face hub: whether it answers, and its files by pinned commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import file_digest
from pathlib import Path
from threading import Thread
from typing import Final

ANSWER_SEC: Final = 2.0  # how long the hub is waited for, once in a run; without it everything comes from packages
CONNECT_TIMEOUT_SEC: Final = 10.0
HUB: Final = "https://huggingface.co"
FOLDER_FILES: Final = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
_NAME: Final = re.compile(
    r"(?P<repository>[\w.-]+/[\w.-]+)(?:/(?P<file>[\w./-]+))?@(?P<revision>[0-9a-f]{40})(?:#(?P<sha256>[0-9a-f]{64}))?"
)
_SILENT: Final[set[str]] = set()  # hubs that fell silent in this process
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model on the hub. `file` is "" for a folder model; `sha256` is "" where the commit alone pins the model."""

    repository: str
    file: str
    revision: str
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.repository}{'/' if self.file else ''}{self.file}@{self.revision}"


@dataclass(frozen=True, slots=True)
class Access:
    """How the hub is reached: `endpoint` is a mirror or "" for the hub itself, `token` opens private repositories."""

    endpoint: str = ""
    token: str = ""
    offline: bool = False

    def answers(self) -> bool:
        """Returns whether the hub answers within ANSWER_SEC. It is asked once in a process, and not at all offline."""
        endpoint = self.endpoint or HUB
        return not self.offline and endpoint not in _SILENT and _answers(endpoint)

    def download(self, repository: str, file: str, revision: str, folder: Path) -> Path:
        """Downloads a file under `folder` and returns it; a download that breaks off is continued.

        Raises OSError when the hub cannot be reached or does not have the file, or when the file is not the one whose
        SHA-256 the hub reports."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

        with _hub_errors(repository, self.endpoint or HUB):
            url = hf_hub_url(repository, file, revision=revision, endpoint=self.endpoint or None)
            reported = get_hf_file_metadata(url, token=self._token, timeout=CONNECT_TIMEOUT_SEC).etag or ""
            path = Path(
                hf_hub_download(
                    repository,
                    file,
                    revision=revision,
                    local_dir=folder,
                    etag_timeout=CONNECT_TIMEOUT_SEC,
                    token=self._token,
                    endpoint=self.endpoint or None,
                )
            )
        if _SHA256.fullmatch(reported) and sha256(path) != reported:  # only large files have a SHA-256 for an ETag
            path.unlink()
            raise OSError(f"{file} arrived with another SHA-256 than the hub reports")
        return path

    def files(self, repository: str, revision: str) -> list[str]:
        """Returns the files of a folder model. Raises OSError."""
        from fnmatch import fnmatch

        from huggingface_hub import HfApi

        with _hub_errors(repository, self.endpoint or HUB):
            listed = HfApi(endpoint=self.endpoint or None, token=self._token).list_repo_files(
                repository, revision=revision
            )
        return [name for name in listed if any(fnmatch(name, pattern) for pattern in FOLDER_FILES)]

    @property
    def _token(self) -> str | bool:
        return self.token or False


def parse_hub(value: str, *, folder: bool) -> HubModel:
    """Parses a setting into the model that it names. Raises ValueError with the expected form.

    A name reads `owner/repository/file.gguf@commit` or, for a folder model, `owner/repository@commit`; the commit is
    the full 40 hexadecimal digits. A file may end in `#` and its SHA-256."""
    match = _NAME.fullmatch(value.strip())
    form = "owner/repository@commit" if folder else "owner/repository/file.gguf@commit"
    if match is None or bool(match["file"]) == folder or ".." in value:
        raise ValueError(f"{form}, with all 40 digits of the commit")
    return HubModel(match["repository"], match["file"] or "", match["revision"], match["sha256"] or "")


def cached(model: HubModel, root: Path) -> Path | None:
    """Returns where an earlier `fetch_from_hub` put the model under `root`, or None if it did not."""
    path = _folder(model, root) / model.file
    return path if path.exists() else None


def fetch_from_hub(model: HubModel, root: Path, access: Access) -> Path:
    """Downloads the model under `root` and returns its file or folder; files that arrived in an earlier run are kept.

    Raises OSError when the hub cannot be reached, knows no such model, or the file has another SHA-256."""
    final = _folder(model, root)
    fresh = final.with_name(f".{final.name}")
    fresh.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in [model.file] if model.file else access.files(model.repository, model.revision):
        path = access.download(model.repository, name, model.revision, fresh)
        if model.sha256 and (found := sha256(path)) != model.sha256:
            path.unlink()
            raise OSError(f"{model.file} has the SHA-256 {found}, not the one in the setting")
    fresh.rename(final)
    return final / model.file


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _folder(model: HubModel, root: Path) -> Path:
    """Returns the folder of a model. Each file of a repository has its own, because files are fetched separately."""
    name = f"{model.repository}/{model.file}".rstrip("/").replace("/", "--")
    return root / "hub" / f"{name}@{model.revision}"


@contextmanager
def _hub_errors(repository: str, endpoint: str) -> Iterator[None]:
    """Turns what the client raises into OSError with what to do. A hub that falls silent is not asked again."""
    from httpx2 import HTTPError  # what the client of the hub is built on
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise OSError(f"{repository} is given only to those who accept its conditions: set HF_TOKEN") from error
    except errors.RevisionNotFoundError as error:
        raise OSError(f"{repository} has no such commit") from error
    except errors.RepositoryNotFoundError as error:
        raise OSError(f"the hub shows no repository {repository}; a private one needs HF_TOKEN") from error
    except errors.LocalEntryNotFoundError as error:
        _SILENT.add(endpoint)
        raise OSError(f"the hub cannot be reached for {repository}") from error
    except errors.EntryNotFoundError as error:
        raise OSError(f"{repository} has no such file at this commit") from error
    except errors.HfHubHTTPError as error:
        raise OSError(f"the hub answered {error.response.status_code} for {repository}") from error
    except HTTPError as error:
        _SILENT.add(endpoint)
        raise OSError(f"the hub fell silent ({type(error).__name__})") from error
    except (ValueError, errors.FileMetadataError) as error:
        raise OSError(str(error) or type(error).__name__) from error


@cache
def _answers(endpoint: str) -> bool:
    import httpx

    heard: list[int] = []

    def ask() -> None:
        with suppress(httpx.HTTPError, OSError):
            heard.append(httpx.head(endpoint, timeout=ANSWER_SEC, follow_redirects=False).status_code)

    # on a thread of its own, because looking up a name can take longer than any time-out of a connection
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(ANSWER_SEC)
    return bool(heard) and heard[0] < 500
