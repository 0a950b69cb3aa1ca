"""Reads what inference workers sign for the web, once: all web processes share what they have seen."""

from __future__ import annotations

import math
from functools import cache as once
from typing import Final

import structlog
from django.conf import settings
from django.core.cache import cache

from inference.contract.tokens import TokenReader

PREFIX: Final = "worker-token:"

log = structlog.get_logger(__name__)


@once
def reader() -> TokenReader:
    """Returns this process's reader."""
    return TokenReader(settings.WORKER_SECRET, _is_new)


def _is_new(token_id: str, within_sec: float) -> bool:
    """Returns whether no web process has seen a token; while the cache is away, this process's memory must do."""
    try:
        return bool(cache.add(PREFIX + token_id, True, timeout=math.ceil(within_sec) + 1))
    except Exception as error:  # each kind of cache raises its own; workers must be heard without it
        log.warning("cache_away", error=type(error).__name__)
        return True
