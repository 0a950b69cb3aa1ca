"""The JSON Schema of a study, for editors: draft 2020-12, made from the models and what they say of their fields."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any, Final

from studies.protocol.schema import SCHEMA_VERSION, Protocol

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
UNITS: Final = {"sec": "s", "min": "min", "ms": "ms", "db": "dB", "dbfs": "dBFS", "percent": "%"}
NULL: Final = {"type": "null"}


def json_schema() -> dict[str, Any]:
    """By it every document is valid that `to_document` writes. Unlike the models it knows no null for a field that is
    not given: that is left out. What ties fields together is not in it."""
    return deepcopy(_made())


@cache
def _made() -> dict[str, Any]:
    whole = Protocol.model_json_schema()
    models = whole.pop("$defs")
    return {
        "$schema": DIALECT,
        **_model(whole),
        "title": f"Study protocol, version {SCHEMA_VERSION}",
        "$defs": {name: _model(model) for name, model in models.items()},
    }


def _model(model: dict[str, Any]) -> dict[str, Any]:
    fields = {name: _field(name, field) for name, field in model["properties"].items()}
    return {**model, "description": _in_one_line(model.get("description", "")), "properties": fields}


def _field(name: str, field: dict[str, Any]) -> dict[str, Any]:
    """With a title for people, and without null."""
    options = [option for option in field.pop("anyOf", []) if option != NULL]
    if field.get("default", ...) is None:
        del field["default"]
    kind = options[0] if len(options) == 1 else {"anyOf": options} if options else {}
    return {**field, **kind, "title": _title(name), "description": _in_one_line(field["description"])}


def _title(name: str) -> str:
    """`max_duration_sec` -> Max duration (s)."""
    words, _, unit = name.rpartition("_")
    if words and unit in UNITS:
        return f"{words.replace('_', ' ').capitalize()} ({UNITS[unit]})"
    return name.replace("_", " ").capitalize()


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
