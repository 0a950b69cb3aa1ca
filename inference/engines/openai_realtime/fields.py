"""Reads the fields of a server's events, which may hold anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from inference.contract.errors import InferenceError

PLAIN: Final[Mapping[str, str]] = {
    "invalid_api_key": "it does not accept the key",
    "authentication_error": "it does not accept the key",
    "permission_error": "the key has no right to this",
    "insufficient_quota": "the quota is used up",
    "billing_hard_limit_reached": "the quota is used up",
    "rate_limit_exceeded": "too many requests",
    "rate_limit_error": "too many requests",
    "session_expired": "the session has lasted as long as the server allows",
    "model_not_found": "it has no such model",
    "server_error": "it has a fault of its own",
}
# errors that a participant can cause by speaking at the same moment as the server
HARMLESS: Final = frozenset({"response_cancel_not_active", "conversation_already_has_active_response"})
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_.\[\]]{0,59}")  # no key looks like this


def is_harmless(error: Mapping[str, Any]) -> bool:
    return error.get("code") in HARMLESS or error.get("type") == "warning"


def plain_words(error: Mapping[str, Any]) -> str:
    """Returns in plain words what an error of the protocol (type, code, param, message) reports.

    The server's own text is omitted, as it may hold part of a key or of the conversation."""
    named = [value for key in ("code", "type", "param") if isinstance(value := error.get(key), str)]
    for value in named:
        if value in PLAIN:
            return PLAIN[value]
    known = [value for value in named if _IDENTIFIER.fullmatch(value)]
    return f"it reports an error ({', '.join(known)})" if known else "it reports an error"


class Broken(InferenceError):
    """The server broke the protocol or gave up; the text says how, in plain words."""

    code = "broken"


def text_of(event: Mapping[str, Any], name: str) -> str:
    """Returns a field that is text; "" when it is missing. Raises Broken when it is something else."""
    value = event.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Broken(f"the field {name} of its events is not text")
    return value.encode(errors="replace").decode()  # replaces lone surrogates, which cannot be encoded


def object_of(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Returns a field that is an object; an empty one when it is missing. Raises Broken when it is something else."""
    value = event.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Broken(f"the field {name} of its events is not an object")
    return value


def readable(text: str) -> str:
    """Replaces unprintable characters by spaces."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
