"""A form without its secret: an old page, or a browser that keeps no cookies."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

SESSION: Final = re.compile(r"/p/([\w-]+)/")
MOST_FIELDS: Final = 300


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Says what to do. What was sent to a page of a session can be sent again from here, so that nothing is lost."""
    match = SESSION.match(request.path_info)
    fields: list[tuple[str, str]] = []
    if match and request.method == "POST" and not request.FILES:
        fields = [(name, str(value)) for name, values in request.POST.lists() for value in values]
    context = {
        "token": match.group(1) if match else "",
        "again": [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"][:MOST_FIELDS],
    }
    return render(request, "403_csrf.html", context, status=403)
