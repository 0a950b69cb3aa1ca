"""Loaded by pytest before Django is set up (`-p`): puts the toy beside the types of the product."""

from __future__ import annotations

from pathlib import Path

from studies.questions import types

types.__path__.append(str(Path(__file__).parent / "types"))
