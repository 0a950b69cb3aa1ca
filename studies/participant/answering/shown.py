"""An item as its template draws it: its parts, and the answer that stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from studies.questions.drawing import Drawn
from studies.questions.recordings import Excerpt
from studies.questions.registry import AnyItem


@dataclass(frozen=True)
class Question:
    """One item with the answer that is kept. `answers` name the sides of a pair."""

    item: AnyItem
    value: Any = None
    hidden: bool = False
    excerpt: Excerpt | None = None
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.item.key

    @property
    def id(self) -> str:
        """The id of its first control, where a link to its error leads."""
        return f"q-{self.item.key}"

    @property
    def template(self) -> str:
        return f"components/questions/{self.item.type}.html"

    @property
    def described_by(self) -> str:
        """The ids of the lines that belong to it."""
        note = [f"{self.id}-note"] if self.item.help_text else []
        return " ".join([*note, f"{self.id}-error"])

    @cached_property
    def parts(self) -> Mapping[str, Any]:
        """What its type gives to the template."""
        return self.item.parts(Drawn(self.id, self.value, self.answers))
