"""Hands the browser, or the database, what only this server can read or make: encrypted, and bound to the secret key.

Keys come from `SECRET_KEY` and from those it replaced (`SECRET_KEY_FALLBACKS`)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

from studies.errors import SealBroken

SALT = "studies.sealing"


def seal(content: Mapping[str, Any]) -> str:
    """`content` (JSON) as a text that is safe in an address."""
    return _fernet().encrypt(json.dumps(content).encode()).decode()


def unseal(text: str, max_age_sec: int | None = None) -> dict[str, Any]:
    """What was sealed. Raises SealBroken."""
    try:
        content: dict[str, Any] = json.loads(_fernet().decrypt(text))
    except (InvalidToken, TypeError, ValueError):  # ValueError: letters that no sealed text has
        raise SealBroken from None
    if max_age_sec is not None:
        try:
            _fernet().decrypt(text, ttl=max_age_sec)
        except InvalidToken:
            raise SealBroken(expired=True) from None
    return content


def keyed_hash(*parts: str) -> str:
    """64 hexadecimal digits by which the same parts are known again, and from which nobody without the secret key can
    tell what they were, or try out guesses."""
    return salted_hmac(SALT, json.dumps(parts), algorithm="sha256").hexdigest()


def _fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [salted_hmac(f"{SALT}.key", "", secret=key, algorithm="sha256").digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
