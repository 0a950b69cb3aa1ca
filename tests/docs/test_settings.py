"""docs/settings.md holds every setting there is, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module

from docs.settings import PAGE, READERS, page
from inference.contract.settings import ROOT, Settings

# these read no setting: they set variables for a library, or pass the environment on
NO_READERS = {f"hearmeout_site/{name}.py" for name in ("asgi", "celery", "supervisor", "web")}
READING = re.compile(r"environ\.get\(|environ\[|getenv\(")
SETTINGS_CLASS = re.compile(r"^class \w+\((?:[\w, ]*Settings|DataFolder|BothSides|LoadedEngines)\b", re.MULTILINE)


def sources() -> Iterator[tuple[str, str]]:
    for folder in ("hearmeout_site", "inference", "studies"):
        for file in (ROOT / folder).rglob("*.py"):
            yield str(file.relative_to(ROOT)), file.read_text()


def classes(base: type[Settings] = Settings) -> set[type[Settings]]:
    return {base} | {each for child in base.__subclasses__() for each in classes(child)}


def test_page_is_what_the_command_writes() -> None:
    assert PAGE.read_text() == page(), "Run: python -m docs.settings"


def test_every_class_of_settings_is_on_the_page() -> None:
    for path, source in sources():
        if SETTINGS_CLASS.search(source):
            import_module(path.removesuffix(".py").replace("/", "."))
    read = {variable for each in classes() for variable in each.variables()}
    shown = {variable for each in READERS.values() for variable in each.variables()}
    assert read == shown
    assert set(re.findall(r"^\| `(\w+)`", PAGE.read_text(), re.MULTILINE)) == read


def test_every_setting_says_what_it_means() -> None:
    fields = [field for each in READERS.values() for field in each.variables().items()]
    assert [variable for variable, field in fields if not field.description] == []


def test_nothing_reads_the_environment_past_the_classes() -> None:
    readers = {path for path, source in sources() if READING.search(source)} - NO_READERS
    assert readers == {"inference/worker/settings.py", "inference/converter_server/seed_vc/fetch.py"}
