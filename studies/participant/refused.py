"""A form that was not taken: an old page, or a browser that keeps no cookies; and how to send it once more."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

SESSION: Final = re.compile(r"/p/([\w-]+)/")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Says what to do. What was sent to a page of a session can be sent again from here, so that nothing is lost."""
    match = SESSION.match(request.path_info)
    form = match is not None and request.method == "POST" and request.content_type != "application/json"
    context = {"token": match.group(1) if match else "", "form": form, "again": sent_again(request) if form else []}
    return render(request, "403_csrf.html", context, status=403)


def sent_again(request: HttpRequest) -> list[tuple[str, str]]:
    """(name, value) of every field but the form's secret, in their order. Django takes no more than 1,000."""
    if request.method != "POST" or request.FILES:
        return []
    fields = [(name, str(value)) for name, values in request.POST.lists() for value in values]
    return [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
