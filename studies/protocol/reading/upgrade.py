"""Documents of earlier schema versions, as the newest would say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ITEM_TYPES = {"choice": "single_choice", "text": "long_text"}


def upgraded(document: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A document of version 1 as one of version 2; anything else as it is. Never raises: what is wrong in a document
    stays wrong, for the validation to name."""
    if not is_version_1(document):
        return document
    new = {**document, "version": 2}
    if new.get("kind") == "paired":
        new["kind"] = "planned"
    ratings, verdicts = new.pop("ratings", None), new.pop("comparison", None)
    questionnaires: list[Any] = []
    if ratings:
        questionnaires.append({"key": "rating", "at": "after_trial", "items": _renamed(ratings)})
    if verdicts:
        items = [{"type": "preference", **item} if isinstance(item, Mapping) else item for item in _items(verdicts)]
        questionnaires.append({"key": "verdict", "at": "after_pair", "items": items})
    if questionnaires:
        new["questionnaires"] = questionnaires
    completion = new.pop("completion", None)
    if isinstance(completion, Mapping) and completion.get("code") is not None:
        new["recruiter"] = {"codes": {"completed": completion["code"]}}
    return new


def is_version_1(document: Mapping[Any, Any]) -> bool:
    return type(document.get("version")) is int and document["version"] == 1


def path_before(document: Mapping[Any, Any], path: str) -> str:
    """A path in `upgraded(document)` as it was in `document`: `questionnaires[0].items[1].low` -> `ratings[1].low`."""
    if not is_version_1(document):
        return path
    lists = [name for name in ("ratings", "comparison") if document.get(name)]
    for number, name in enumerate(lists):
        path = path.replace(f"questionnaires[{number}].items", name)
    return path.replace("recruiter.codes.completed", "completion.code")


def _items(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _renamed(items: Any) -> Any:
    if not isinstance(items, list):
        return items
    return [_renamed_item(item) if isinstance(item, Mapping) else item for item in items]


def _renamed_item(item: Mapping[Any, Any]) -> dict[Any, Any]:
    kind = item.get("type")
    new = {**item, "type": ITEM_TYPES.get(kind, kind) if isinstance(kind, str) else kind}
    if new["type"] == "long_text":
        new.setdefault("required", False)  # as it was by default
    return new
