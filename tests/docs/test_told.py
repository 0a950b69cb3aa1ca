"""docs/told.md holds every option and every word of the machine that is told how one sounds."""

from __future__ import annotations

import re
from dataclasses import fields

from inference.contract.options.cascade import Options
from inference.contract.options.cascade_voice import VoiceOptions
from inference.contract.settings import ROOT
from inference.engines.cascade.hearing.voice.noticing import WORDS

PAGE = (ROOT / "docs" / "told.md").read_text()


def test_every_option_stands_there_with_its_default_and_range() -> None:
    others = {option.name for option in fields(Options)}
    rows = []
    for option in fields(VoiceOptions):
        if option.name in others:
            continue
        is_switch = isinstance(option.default, bool)
        default = str(option.default).lower() if is_switch else f"{option.default:g}"
        between = "true or false" if is_switch else f"{option.metadata['least']:g} to {option.metadata['most']:g}"
        rows.append(f"| `{option.name}` | {default} | {between} | {option.metadata['about']} |")
    assert re.findall(r"^\| `\w+` \|.*$", PAGE, re.MULTILINE) == rows


def test_every_word_that_can_be_noticed_stands_there() -> None:
    section = PAGE.split("## What it notices")[1].split("##")[0]
    first_cells = re.findall(r"^\| ([a-z ,]+) \|", section, re.MULTILINE)
    assert {word for cell in first_cells for word in cell.split(", ")} == set(WORDS)
