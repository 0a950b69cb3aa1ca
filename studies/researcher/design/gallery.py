"""The ready studies that come with the product."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from studies import protocol as protocol_package
from studies.protocol.reading.document import parse_yaml
from studies.protocol.schema import Protocol

FOLDER: Final = Path(protocol_package.__path__[0]) / "templates"


@dataclass(frozen=True, slots=True)
class Template:
    """A ready study to start from; `about` is the comment that its file begins with, `facts` its size."""

    name: str
    title: str
    about: str
    facts: str
    text: str


def templates() -> list[Template]:
    """Those that come with the product, by title."""
    found = [_template(path) for path in FOLDER.glob("*.yaml")]
    return sorted(found, key=lambda template: template.title)


def _template(path: Path) -> Template:
    text = path.read_text(encoding="utf-8")
    protocol = parse_yaml(text)
    return Template(path.stem, protocol.title, _opening_comment(text) or protocol.summary, _facts(protocol), text)


def _facts(protocol: Protocol) -> str:
    """Such as "2 prompts, 3 conditions, 12 min"."""
    counts = [("prompt", len(protocol.prompts)), ("condition", len(protocol.cells()))]
    facts = [f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts]
    return ", ".join([*facts, *([f"{protocol.duration_min} min"] if protocol.duration_min else [])])


def _opening_comment(text: str) -> str:
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return " ".join(lines).replace("`", "")
