"""Writes docs/settings.md from the settings classes of both sides.

python -m docs.settings
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hearmeout_site.environment import WebSettings
from inference.contract.catalog import CONVERTERS, ENGINES
from inference.contract.settings import ROOT, BothSides, LoadedEngines, Settings, settings_class
from inference.converter_server.__main__ import ConverterServerSettings
from inference.weights.settings import WeightsSettings
from inference.worker.settings import WorkerSettings

PAGE: Final = ROOT / "docs" / "settings.md"
INTRODUCTION: Final = """# Settings

Everything is set by environment variables. Each process checks its own at the start and stops when some are wrong,
with the name of each and what it should be. An empty variable counts as unset.
This page is made by `python -m docs.settings`.
"""
READERS: Final[Mapping[str, type[Settings]]] = {
    "The web and the inference workers": BothSides,
    "The web and `make run`": WebSettings,
    "The inference workers and `make weights`": LoadedEngines,
    "The inference workers": WorkerSettings,
    "Weights of the local engine": WeightsSettings,
    **{
        f"The {kind} `{name}`": settings_class(entry)
        for kind, catalogue in (("engine", ENGINES), ("converter", CONVERTERS))
        for name, entry in catalogue.items()
        if entry.settings
    },
    "The converter server": ConverterServerSettings,
}


def page() -> str:
    """The whole of docs/settings.md. What a class inherits from another one on the page stands there alone."""
    parts = [INTRODUCTION]
    told: set[str] = set()
    for title, reader in READERS.items():
        fields = {name: field for name, field in reader.variables().items() if name not in told}
        rows = [_row(variable, field) for variable, field in fields.items()]
        if rows:
            parts.append(
                "\n".join([f"## {title}\n", "| Variable | Default | Meaning |", "|---|---|---|", *rows]) + "\n"
            )
        told |= set(fields) if reader is not WebSettings else set(BothSides.variables())
    return "\n".join(parts)


def _row(variable: str, field: FieldInfo) -> str:
    return f"| `{variable}` | {_default(field.default)} | {field.description} |"


def _default(value: Any) -> str:
    if value in ("", None, (), PydanticUndefined):
        return "–"
    if isinstance(value, Path):
        return f"`{value.relative_to(ROOT)}` in the checkout"
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"


if __name__ == "__main__":
    PAGE.write_text(page())
