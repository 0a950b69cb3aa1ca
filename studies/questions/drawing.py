"""What a question type gives its template to draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose. `value` is the answer, as JSON where the template says `data-json`."""

    value: str
    label: str
    id: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """Where a question is drawn: `id` belongs to its first control, `value` is the answer that is kept, and `sides` has
    what each side of a pair is called on the page."""

    id: str
    value: object = None
    sides: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return in_field(self.value)

    @property
    def values(self) -> Sequence[object]:
        return self.value if isinstance(self.value, list) else [self.value]

    def options(self, listed: Iterable[tuple[str, str]], prefix: str = "") -> list[Option]:
        """(value, label) of each answer, made into options of which those that are kept are chosen."""
        chosen = {in_field(part) for part in self.values if not isinstance(part, Mapping)}
        return [
            Option(value, label, f"{self.id}-{prefix}{value}" if index or prefix else self.id, value in chosen)
            for index, (value, label) in enumerate(listed)
        ]


def in_field(value: object) -> str:
    """A value as it stands in a field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)
