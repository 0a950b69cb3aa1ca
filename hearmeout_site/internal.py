"""The addresses that machines ask from inside an installation: a load balancer or the supervisor for the health of the
process, and inference workers to report and to fetch target voices.

They come over plain HTTP, and by whatever name or number the process has in there. Nothing of what they are answered
depends on that name, and what is not for everybody asks for a signed token."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port, validate_host
from django.urls import Resolver404, resolve
from django.utils.deprecation import MiddlewareMixin

ADDRESSES: Final = ("/healthz", "/workers/", "/voices/")
AS_PATTERNS: Final = [rf"^{address.lstrip('/')}" for address in ADDRESSES]
"""As SECURE_REDIRECT_EXEMPT has them."""


class InternalAddresses(MiddlewareMixin):
    """Answers them before a session, a form's token or one of the site's own host names is asked for."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        if not request.path_info.startswith(ADDRESSES):
            return None
        host, _ = split_domain_port(request.META.get("HTTP_HOST") or request.META["SERVER_NAME"])
        if not validate_host(host, settings.INTERNAL_HOSTS):
            return None
        try:
            match = resolve(request.path_info)
        except Resolver404:
            return None
        request.resolver_match = match
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        return response
