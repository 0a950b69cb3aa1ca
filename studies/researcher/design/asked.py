"""What the design pages have in common: their frame, and reading and answering JSON requests."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.http.request import UnreadablePostError

from studies.errors import DraftRefused
from studies.models import Study


def frame(request: HttpRequest, study: Study, tab: str, **context: Any) -> dict[str, Any]:
    """Returns the context of templates/researcher/design/frame.html together with `context`."""
    return {
        **admin.site.each_context(request),
        "title": study.title,
        "study": study,
        "tab": tab,
        **context,
    }


def body_of(request: HttpRequest) -> dict[str, Any]:
    """Returns the JSON object that was sent. Raises DraftRefused if it is too long or not an object."""
    try:
        sent = json.loads(request.body)
    except RequestDataTooBig:
        raise DraftRefused("This is far too long for a protocol. Nothing was changed.") from None
    except (UnreadablePostError, ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise DraftRefused("The data that arrived cannot be read. Reload the page.")
    return sent


def text_in(sent: dict[str, Any]) -> str:
    """Returns the text in a JSON object. Raises DraftRefused if there is none."""
    text = sent.get("text")
    if not isinstance(text, str):
        raise DraftRefused("The data that arrived contain no text. Reload the page.")
    return text


def refusal(error: DraftRefused) -> JsonResponse:
    return JsonResponse({"message": str(error)}, status=422)
