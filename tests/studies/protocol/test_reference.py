"""The guide's examples are studies, and the reference is that of the schema."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from studies.protocol.questionnaires import MOMENTS
from studies.protocol.reading import yaml_text
from studies.protocol.reading.document import parse
from studies.protocol.reference import reference
from tests.studies.protocol.reading.test_problems import TYPES

DOCS = Path(__file__).parents[3] / "docs"
GUIDE = (DOCS / "protocol.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [
    yaml_text.read(text).data for text in re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize("part", EXAMPLES, ids=lambda part: ",".join(part)[:40])
def test_example_is_right_as_part_of_the_smallest_study(part: dict[str, Any]) -> None:
    assert parse({**EXAMPLES[0], **part})


def test_guide_names_every_moment_and_every_type_of_item() -> None:
    assert [name for name in [*MOMENTS, *TYPES] if f"`{name}`" not in GUIDE] == []


def test_reference_is_that_of_the_schema() -> None:
    assert (DOCS / "protocol-reference.md").read_text(encoding="utf-8") == reference()
