"""The admin site of researchers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponseBase
from unfold.sites import UnfoldAdminSite

View = Callable[..., HttpResponseBase]

# Alpine.js, on which the admin's menus run, compiles its expressions; no other page of the product allows that.
allow_alpine: Callable[[View], View] = csp_update({"script-src": ["'unsafe-eval'"]})


class ResearcherAdminSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold has no types
    """Signs in through allauth, so that two-factor authentication and rate limits hold here too."""

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        wrapped: View = allow_alpine(super().admin_view(view, cacheable))
        return wrapped

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        response: HttpResponseBase = secure_admin_login(super().login)(request, extra_context)
        return response
