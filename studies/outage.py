"""What is told while the database is away or locked: that it is worth trying again, and when."""

from __future__ import annotations

from typing import Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSlow

OUTAGES: Final = (OperationalError, InterfaceError, RedisAway, RedisSlow)
"""What the databases raise when they cannot be reached, are locked for too long, or shut down."""
CODE: Final = "try_again"
TRY_AGAIN: Final = _("Our database is not responding right now. What was saved before is still there.")
RETRY_AFTER_SEC: Final = 5


def try_again(request: HttpRequest) -> HttpResponse:
    """Answers 503, to a script as {"code", "message"}."""
    wants_json = request.content_type == "application/json" or "application/json" in request.headers.get("Accept", "")
    if wants_json:
        response: HttpResponse = JsonResponse({"code": CODE, "message": str(TRY_AGAIN)}, status=503)
    else:
        response = render(request, "503.html", {"message": TRY_AGAIN}, status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SEC)
    response.headers["Cache-Control"] = "no-store"
    return response
