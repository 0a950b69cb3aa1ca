"""The reference of the format as Markdown, made from the JSON Schema."""

from __future__ import annotations

import json
from typing import Any

from studies.protocol.json_schema import json_schema
from studies.questions.fields import KEY_PATTERN, LANGUAGE_PATTERN

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
