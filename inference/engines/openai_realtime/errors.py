"""Explains a server's errors in plain words. Its own text is omitted, as it may hold part of a key or of the talk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

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
# what a participant who speaks at the same moment as the server can cause
HARMLESS: Final = frozenset({"response_cancel_not_active", "conversation_already_has_active_response"})
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_.\[\]]{0,59}")  # no key looks like this


def is_harmless(error: Mapping[str, Any]) -> bool:
    return error.get("code") in HARMLESS or error.get("type") == "warning"


def plain_words(error: Mapping[str, Any]) -> str:
    """`error` as the protocol gives it: type, code, param, message."""
    named = [value for key in ("code", "type", "param") if isinstance(value := error.get(key), str)]
    for value in named:
        if value in PLAIN:
            return PLAIN[value]
    known = [value for value in named if _IDENTIFIER.fullmatch(value)]
    return f"it reports an error ({', '.join(known)})" if known else "it reports an error"
