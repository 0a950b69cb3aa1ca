"""Everything that differs between question types stands in the files that bear their names, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hearmeout_site.environment import ROOT
from studies.questions.registry import TYPES

STATIC = ROOT / "studies" / "static" / "studies"
EXEMPT = {
    "studies/protocol/reading/document.py",  # turns the documents of version 1 into those of today
    "studies/protocol/reading/mending.py",  # puts an item of some type where one is missing
    "studies/protocol/rules/spreading.py",  # names a type as an example, to researchers
    "studies/researcher/design/writing/form_schema.py",  # names fields in which the form suggests prompts
}
NAMES = sorted(name for name in TYPES if "_" in name or name == "likert")
"""Those that are no everyday words."""
CLASSES = sorted(each.__name__ for each in TYPES.values())


def sources() -> list[Path]:
    files = [*(ROOT / "studies").rglob("*.py"), *(STATIC / "js").rglob("*.js"), *(STATIC / "css").rglob("*.css")]
    return [path for path in files if "questions/types" not in path.as_posix() and path.stem not in TYPES]


def test_no_other_file_names_a_type() -> None:
    classes = re.compile(rf"\b(?:isinstance\([^)]*|case |import .*)\b(?:{'|'.join(CLASSES)})\b(?!\.)")
    names = re.compile(rf"""["'`](?:{"|".join(NAMES)})["'`]""")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources()
        if path.relative_to(ROOT).as_posix() not in EXEMPT
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if names.search(line) or (path.suffix == ".py" and "studies.questions.types." in line) or is_type(classes, line)
    ]
    assert found == []


def is_type(classes: re.Pattern[str], line: str) -> bool:
    """Whether the code tells a question type from others. Other rooms have classes with such names."""
    return "isinstance(item" in line and classes.search(line) is not None


@pytest.mark.parametrize("name", TYPES)
def test_type_has_a_template_that_bears_its_name(name: str) -> None:
    assert (ROOT / "templates" / "components" / "questions" / f"{name}.html").is_file()
    assert TYPES[name].__module__ == f"studies.questions.types.{name}"


@pytest.mark.parametrize("folder", ["css/questions", "js/questions/types"])
def test_scripts_and_style_sheets_of_types_bear_their_names(folder: str) -> None:
    assert {path.stem for path in (STATIC / folder).iterdir()} <= TYPES.keys()


def test_types_stand_in_an_order_of_their_own() -> None:
    orders = [each.order for each in TYPES.values()]
    assert orders == sorted(set(orders))
