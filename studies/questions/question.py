"""What all items share, and the one that asks nothing."""

from __future__ import annotations

from typing import Literal

from studies.protocol.base import Key, Line, Markdown, Strict
from studies.protocol.items.conditions import When


class Item(Strict):
    """What all items share."""

    key: Key
    """Its name in the data; unique in the whole study."""
    text: Line
    """The question."""
    note: Line | None = None
    """A line below the question."""
    required: bool = True
    """Whether it must be answered before going on."""
    show_if: When | None = None
    """Asked only where this is true."""
    prompts: list[Key] | None = None
    """Asked about these scenarios only."""


class Notice(Strict):
    """Words to read, with nothing to answer."""

    type: Literal["notice"]
    """What kind of item it is."""
    key: Key
    """Its name; unique in the whole study."""
    text: Markdown
    """The words, as Markdown."""
    show_if: When | None = None
    """Shown only where this is true."""
    prompts: list[Key] | None = None
    """Shown about these scenarios only."""
