"""All addresses: participants' pages are at the root, researchers' under /admin/ and /research/, and accounts under
/accounts/."""

from __future__ import annotations

import sys

from django.contrib import admin
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from studies.outage import OUTAGES, try_again

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("studies.urls")),
]


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answers a request that is refused before it reaches any view: with 400, or with 413 for a form that is larger
    than anything we ask for."""
    code = 413 if isinstance(exception, RequestDataTooBig) else 400
    return render(request, f"{code}.html", status=code)


def handler500(request: HttpRequest) -> HttpResponse:
    """Answers for an exception: with 503 and when to try again where a database is away, else with 500."""
    if isinstance(sys.exception(), OUTAGES):
        return try_again(request)
    return render(request, "500.html", status=500)
