"""Reads the fields of a server's events, which may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.contract.errors import InferenceError


class Broken(InferenceError):
    """The server broke the protocol or gave up; the text says how, in plain words."""

    code = "broken"


def text_of(event: Mapping[str, Any], name: str) -> str:
    """A field that is text; "" when it is missing. Raises Broken when it is something else."""
    value = event.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Broken(f"the field {name} of its events is not text")
    return value.encode(errors="replace").decode()  # no lone surrogates, which nobody could write down


def object_of(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A field that is an object; an empty one when it is missing. Raises Broken when it is something else."""
    value = event.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Broken(f"the field {name} of its events is not an object")
    return value


def readable(text: str) -> str:
    """With spaces for control characters."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
