"""Participants' pages are laid out by reading direction, so that a study in Arabic or Hebrew is mirrored whole."""

from __future__ import annotations

import re

import pytest

from hearmeout_site.environment import ROOT

CSS = ROOT / "studies" / "static" / "studies" / "css"
ENGLISH_ONLY = {"researcher/researcher.css", "researcher/account.css", "researcher/voice.css"}
PHYSICAL = re.compile(
    r"""(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right)\b
      | border-(?:top|bottom)-(?:left|right)-radius
      | (?<![\w-])(?:left|right)\s*:
      | (?:text-align|float|clear|caption-side)\s*:\s*(?:left|right)
      | (?:justify-content|justify-items|justify-self)\s*:\s*(?:left|right)
      | translateX | translate\(\s*-?[1-9.]
      | (?:background|object)-position[^;]*\b(?:left|right)\b
      | \bto\s+(?:left|right)\b""",
    re.VERBOSE,
)
MIRRORED = re.compile(r"\b90deg|clip-path: inset\(0 calc")


def participant_sheets() -> list[str]:
    names = (path.relative_to(CSS).as_posix() for path in CSS.rglob("*.css"))
    return sorted(name for name in names if name not in ENGLISH_ONLY)


@pytest.mark.parametrize("name", participant_sheets())
def test_stylesheet_has_no_physical_sides(name: str) -> None:
    text = re.sub(
        r"/\*.*?\*/", lambda comment: "\n" * comment[0].count("\n"), (CSS / name).read_text(), flags=re.DOTALL
    )
    found = [f"{name}:{n}: {line.strip()}" for n, line in enumerate(text.splitlines(), 1) if PHYSICAL.search(line)]
    assert found == []


@pytest.mark.parametrize("name", participant_sheets())
def test_stylesheet_that_fills_from_the_left_mirrors_that_from_right_to_left(name: str) -> None:
    text = (CSS / name).read_text()
    assert not MIRRORED.search(text) or ":dir(rtl)" in text


@pytest.mark.parametrize("name", participant_sheets())
def test_stylesheet_says_nothing_that_cannot_be_translated(name: str) -> None:
    assert re.findall(r'content:\s*"[^"]*[A-Za-z]{2,}[^"]*"', (CSS / name).read_text()) == []


def test_physical_sides_are_found() -> None:
    wrong = ["margin-left: 1px", "left: 0", "text-align: right", "translateX(4px)", "border-top-left-radius: 0"]
    assert [line for line in wrong if not PHYSICAL.search(line)] == []
    right = ["margin-inline-start: 1px", "inset-inline-start: 0", "text-align: end", "translate: 0 4px", "inset: 0"]
    assert [line for line in right if PHYSICAL.search(line)] == []
