"""A form without its secret: an old page, or a browser that keeps no cookies."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from studies.participant.again import sent_again

SESSION: Final = re.compile(r"/p/([\w-]+)/")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Says what to do. What was sent to a page of a session can be sent again from here, so that nothing is lost."""
    match = SESSION.match(request.path_info)
    form = match is not None and request.method == "POST" and request.content_type != "application/json"
    context = {"token": match.group(1) if match else "", "form": form, "again": sent_again(request) if form else []}
    return render(request, "403_csrf.html", context, status=403)
