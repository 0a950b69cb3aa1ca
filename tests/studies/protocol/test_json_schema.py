"""The JSON Schema that editors get."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from studies.protocol.reading import yaml_text
from studies.protocol.reading.document import to_document
from studies.protocol.reference import json_schema
from studies.protocol.schema import Protocol
from tests.extent import examples
from tests.studies.protocol.documents import explore, paired
from tests.studies.protocol.strategies import protocols

TEMPLATES = sorted((Path(__file__).parents[3] / "studies" / "protocol" / "templates").glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    return jsonschema.Draft202012Validator(json_schema())


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(protocol=protocols())
def test_every_stored_document_is_valid(validator: Any, protocol: Protocol) -> None:
    validator.validate(to_document(protocol))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_template_is_valid_as_it_is_written(validator: Any, path: Path) -> None:
    validator.validate(yaml_text.read(path.read_text(encoding="utf-8")).data)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("titel",), "x"),
        (("kind",), "paired"),
        (("title",), 3),
        (("prompts", 0, "limit_sec"), 4),
        (("prompts", 0, "key"), "A b"),
        (("questionnaires", 0, "items", 0, "type"), "likrt"),
        (("questionnaires", 0, "items", 0, "point"), 5),
        (("conditions", 0, "options"), {"a": [1]}),
        (("pairs",), [{"prompt": "weekend", "conditions": ["own"]}]),
    ],
)
def test_what_is_wrong_in_itself_is_wrong_by_the_schema_too(
    validator: Any, place: tuple[str | int, ...], value: object
) -> None:
    document: Any = paired()
    assert validator.is_valid(document)
    parent = document
    for part in place[:-1]:
        parent = parent[part]
    parent[place[-1]] = value
    assert not validator.is_valid(document)


def test_explore_study_is_valid(validator: Any) -> None:
    validator.validate(explore())


def test_every_field_has_a_title_and_says_what_it_is() -> None:
    schema = json_schema()
    models = [schema, *schema["$defs"].values()]
    fields = [field for model in models for field in model["properties"].values()]
    assert all(field["title"] and field["description"] for field in fields)
    assert all(model["description"] for model in models)
    assert schema["$defs"]["Playback"]["properties"]["max_duration_sec"]["title"] == "Max duration (s)"


def test_items_are_told_apart_by_their_type() -> None:
    items = json_schema()["$defs"]["Questionnaire"]["properties"]["items"]["items"]
    types = [json_schema()["$defs"][one["$ref"].rsplit("/", 1)[1]]["properties"]["type"] for one in items["oneOf"]]
    assert sorted(kind["const"] for kind in types) == sorted(items["discriminator"]["mapping"])


def test_schema_cannot_be_changed_by_who_gets_it() -> None:
    mine = json_schema()
    before = json.dumps(deepcopy(mine), sort_keys=True)
    mine["properties"].clear()
    assert json.dumps(json_schema(), sort_keys=True) == before
