"""Turns the JSON Schema of a protocol into the dialect of the form editor: titles, text areas, and switches for
optional fields."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any, Final

from inference.contract.catalog import CONVERTERS, ENGINES
from inference.contract.presets import PRESETS
from studies.protocol.reference import json_schema

Schema = dict[str, Any]

SECTIONS: Final = [
    {"title": "About", "keys": ["title", "summary", "kind", "languages", "duration_min"]},
    {"title": "Texts", "keys": ["welcome", "practice_intro", "main_intro", "debrief"]},
    {"title": "Consent", "keys": ["consent", "retention"]},
    {"title": "Who may take part", "keys": ["screen_out", "quotas", "stopping", "attention", "recruiter"]},
    {"title": "Device and sound", "keys": ["device_check", "audio", "hear_yourself", "match_delay"]},
    {"title": "Prompts", "keys": ["prompts"]},
    {"title": "Conditions and voices", "keys": ["conditions", "offer"]},
    {"title": "Order of trials", "keys": ["practice", "pairs", "design", "allocation"]},
    {"title": "Questionnaires", "keys": ["questionnaires", "comparison", "give_back"]},
]
"""The sections of the form. `translations` has a page of its own, which shows the texts of two languages side by
side."""

LONG_TEXT: Final = 1_000
"""Texts that may be longer than this get a text area."""
SUGGESTIONS: Final = {
    ("ConditionCell", "engine"): "engines",
    ("EngineOffer", "engine"): "engines",
    ("Segment", "preset"): "presets",
    ("Segment", "converter"): "converters",
    ("Cell", "prompt"): "prompts",
    ("Cell", "condition"): "conditions",
    ("Pair", "prompt"): "prompts",
    ("Pair", "conditions"): "conditions",
    ("Rule", "item"): "items",
    ("Allocation", "by"): "items",
    ("Allocation", "strata"): "items",
    ("Questionnaire", "prompts"): "prompts",
    ("Insertion", "insert_after"): "items",
    ("Insertion", "prompts"): "prompts",
    ("Playback", "prompt"): "prompts",
    ("Playback", "condition"): "conditions",
}
"""Maps (model, field) to the list of names that is suggested there. The browser adds the names of the draft itself."""
KNOWN_NAMES: Final = {
    "engines": {name: entry.label for name, entry in ENGINES.items() if entry.selectable},
    "presets": dict.fromkeys(PRESETS, ""),
    "converters": dict.fromkeys(CONVERTERS, ""),
}
NAME_LISTS: Final = ("engines", "presets", "converters", "prompts", "conditions", "items")
HEADED_BY: Final = ("key", "kind", "preset", "prompt", "item", "label")
"""Fields that can label an entry of a list; the first one that it has is used."""
COLLAPSED: Final = frozenset({"prompts", "conditions", "questionnaires", "variants"})
"""Lists with long entries, which are collapsed at first."""


@cache
def form_schema() -> Schema:
    """Returns {schema, names}: the schema of a whole protocol, from which the form takes its sections, and the known
    names."""
    whole = deepcopy(json_schema())
    for model in [whole, *whole["$defs"].values()]:
        for field in model["properties"].values():
            if (named := field.get("items", {}).get("$ref")) is not None:
                field.setdefault("description", _words(whole["$defs"][named.split("/")[-1]].get("description", "")))
    definitions = {name: _model(name, model) for name, model in whole["$defs"].items()}
    top = _model("Protocol", {**whole, "$defs": {}})
    return {"schema": {**top, "$defs": definitions}, "names": KNOWN_NAMES}


NOTHING: Final = {"type": "null", "title": "not set"}


def _model(name: str, model: Schema) -> Schema:
    required = model.get("required", [])
    fields = {key: _field(name, key, field, key in required) for key, field in model["properties"].items()}
    header = next((f"{{{{i1}}}}. {{{{self.{key}}}}}" for key in HEADED_BY if key in fields), "")
    if _is_kind(fields):
        header += f" ({_title(name).lower()})"
    return {
        **model,
        **({"headerTemplate": header} if header else {}),
        "title": _title(name),
        "description": _words(model.get("description", "")),
        "properties": fields,
        "additionalProperties": False,
    }


def _field(model: str, key: str, field: Schema, required: bool) -> Schema:
    given = [option for option in field.get("anyOf", []) if option.get("type") != "null" and option.get("const") != ""]
    if len(given) == 1:
        field = {**{name: value for name, value in field.items() if name != "anyOf"}, **given[0]}
    elif given:
        field = {**field, "anyOf": [{"title": _said(option), **option} for option in given]}
    if not required and field.get("default") is None:
        field = _optional({name: value for name, value in field.items() if name != "default"})
    if "description" in field:
        field["description"] = _words(field["description"])
    field["title"] = key.replace("_", " ").capitalize()
    if "const" in field:
        field = {**field, "enum": [field["const"]], "default": field["const"], "options": {"hidden": True}}
    if "oneOf" in field.get("items", {}):
        field["items"] = _by_type(field["items"])
    if isinstance(field.get("additionalProperties"), dict):
        field["options"] = {"disable_properties": False}
    _say_it(model, key, field)
    return field


def _optional(field: Schema) -> Schema:
    """Returns the schema of an optional field: a field that may stay empty, or a switch for one without an empty
    state."""
    if "anyOf" in field:
        return {**field, "anyOf": [NOTHING, *field["anyOf"]]}
    if "$ref" in field or field.get("type") == "boolean":
        whole = {name: value for name, value in field.items() if name not in ("title", "description")}
        return {"oneOf": [NOTHING, {**whole, "title": "set" if "$ref" in field else "yes or no"}]}
    if "enum" in field:
        return {**field, "enum": ["", *field["enum"]], "options": {"enum_titles": ["not set", *field["enum"]]}}
    return {**field, "default": ""} if field.get("type") in ("number", "integer", "string") else dict(field)


def _said(option: Schema) -> str:
    return str(
        option.get("const")
        or {"string": "text", "integer": "whole number", "boolean": "yes or no", "array": "a list"}.get(
            option.get("type", ""), option.get("type", "")
        )
    )


def _by_type(items: Schema) -> Schema:
    return {"oneOf": items["oneOf"], "title": "Item"}


def _say_it(model: str, key: str, field: Schema) -> None:
    if field.get("type") == "string" and field.get("maxLength", 0) > LONG_TEXT:
        field["format"] = "textarea"
    if field.get("type") == "boolean":
        field["format"] = "checkbox"
    if field.get("type") == "array":
        field["items"] = dict(field.get("items", {}))
        field["items"].setdefault("title", key.replace("_", " ").removesuffix("s").capitalize())
        field["items"]["description"] = ""  # The description is shown once, above the list.
        if key in COLLAPSED:
            field["items"]["options"] = {"collapsed": True}
    if (suggestions := SUGGESTIONS.get((model, key))) is not None:
        target = field["items"] if field.get("type") == "array" else field
        target["options"] = {"inputAttributes": {"list": f"names-{suggestions}"}}


def _is_kind(fields: Schema) -> bool:
    """Whether a model is one of several alternatives that its `type` distinguishes."""
    return "enum" in fields.get("type", {}) and fields["type"].get("options", {}).get("hidden", False)


def _title(name: str) -> str:
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.strip().capitalize()


def _words(text: str) -> str:
    return " ".join(text.replace("`", "").split())
