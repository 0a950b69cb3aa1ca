"""Describes the format of studies: as JSON Schema for editors (draft 2020-12, made from the models and what they say of
their fields), and as a reference in Markdown, made from that."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from typing import Any, Final

from studies.protocol.schema import SCHEMA_VERSION, Protocol
from studies.questions.fields import KEY_PATTERN, LANGUAGE_PATTERN

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


NO_DEFAULT = object()
OF_PATTERNS = {KEY_PATTERN: "key", LANGUAGE_PATTERN: "language tag", r"^\d{4}-\d{2}-\d{2}$": "day"}


def reference() -> str:
    """Every block of a study with its fields: what they take, their defaults, what they mean."""
    schema = json_schema()
    blocks = {"Protocol": schema, **schema["$defs"]}
    parts = [
        "# Reference of the study format",
        "Made by `manage.py study schema docs/protocol-reference.md`; the guide is [protocol.md](protocol.md).",
        "A *key* is a name of small letters, digits, `-` and `_`. Texts are Markdown where it says so. A document is "
        "a [Protocol](#protocol).",
        *(_block(name, block) for name, block in blocks.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _block(name: str, block: dict[str, Any]) -> str:
    required = block.get("required", [])
    rows = [
        f"| `{field}` | {_kind(shape)} | {_default(shape, field in required)} | {_cell(shape['description'])} |"
        for field, shape in block["properties"].items()
    ]
    table = "\n".join(["| Field | Takes | Default | Meaning |", "|---|---|---|---|", *rows])
    return f"## {name}\n\n{block['description']}\n\n{table}"


def _kind(shape: dict[str, Any]) -> str:
    if "$ref" in shape:
        name = shape["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "const" in shape:
        return f"`{_yaml(shape['const'])}`"
    if "enum" in shape:
        return ", ".join(f"`{_yaml(value)}`" for value in shape["enum"])
    options = shape.get("oneOf") or shape.get("anyOf")
    if options:
        return " or ".join(dict.fromkeys(_kind(option) for option in options))
    match shape.get("type"):
        case "string":
            return _text(shape)
        case "integer" | "number" as kind:
            return f"{'whole number' if kind == 'integer' else 'number'}{_range(shape)}"
        case "boolean":
            return "`true`, `false`"
        case "array":
            return f"list of {_kind(shape['items'])}{_count(shape)}"
        case "object":
            values = shape.get("additionalProperties") or next(iter(shape.get("patternProperties", {}).values()), None)
            return f"named values: {_kind(values)}" if isinstance(values, dict) else "named values"
        case _:
            return "nothing"


def _text(shape: dict[str, Any]) -> str:
    if shape.get("pattern") in OF_PATTERNS:
        return OF_PATTERNS[shape["pattern"]]
    longest = f", at most {shape['maxLength']:,} characters" if "maxLength" in shape else ""
    return f"text{longest}" if not shape.get("pattern") else f"text like `{_cell(shape['pattern'])}`"


def _range(shape: dict[str, Any]) -> str:
    low = shape.get("minimum", shape.get("exclusiveMinimum"))
    high = shape.get("maximum", shape.get("exclusiveMaximum"))
    if low is not None and high is not None:
        return f" from {low:,} to {high:,}"
    return f", at least {low:,}" if low is not None else f", at most {high:,}" if high is not None else ""


def _count(shape: dict[str, Any]) -> str:
    low, high = shape.get("minItems"), shape.get("maxItems")
    if low and high:
        return f", {low} to {high}"
    return f", at least {low}" if low else f", at most {high}" if high else ""


def _default(shape: dict[str, Any], required: bool) -> str:
    if required:
        return "must be given"
    value = shape.get("default", NO_DEFAULT)
    if value is NO_DEFAULT or value in ([], {}, ""):
        return "none"
    return "its defaults" if isinstance(value, dict) else f"`{_yaml(value)}`"


def _yaml(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
