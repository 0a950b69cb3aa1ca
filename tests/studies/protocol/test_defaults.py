"""What a document leaves out never changes its meaning: defaults are frozen within a version of the schema.

A new field goes into the file, with the default that leaves every study as it was. Another default for a field that is
there takes a new SCHEMA_VERSION, a step in `studies.protocol.reading.document`, and a file of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter

from studies.protocol.schema import SCHEMA_VERSION, Protocol

FROZEN = Path(__file__).with_name(f"defaults-{SCHEMA_VERSION}.json")
REQUIRED = "(required)"


def models(annotation: Any, seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    """Every model that is part of a protocol."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            seen.add(annotation)
            yield annotation
            for field in annotation.model_fields.values():
                yield from models(field.annotation, seen)
        return
    for argument in get_args(annotation):
        yield from models(argument, seen)


def defaults() -> dict[str, Any]:
    return {
        f"{model.__name__}.{name}": REQUIRED
        if field.is_required()
        else TypeAdapter(Any).dump_python(field.get_default(call_default_factory=True), mode="json")
        for model in models(Protocol, set())
        for name, field in model.model_fields.items()
    }


def test_defaults_are_those_that_documents_were_written_with() -> None:
    assert defaults() == json.loads(FROZEN.read_text(encoding="utf-8"))
