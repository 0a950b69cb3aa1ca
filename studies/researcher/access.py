"""Who may open researchers' addresses: the admin site they sign in to, and the permissions a page asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import secure_admin_login
from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect
from unfold.sites import UnfoldAdminSite

View = Callable[..., HttpResponseBase]

# Alpine.js, on which the admin's menus run, compiles its expressions; no other page of the product allows that.
allow_alpine: Callable[[View], View] = csp_update({"script-src": ["'unsafe-eval'"]})


def researcher_with(*permissions: str) -> Callable[[View], View]:
    """Lets a view through to staff who hold all `permissions`.

    Others who are signed in get 403; those who are not are sent to sign in (htmx fragments move the whole page)."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if isinstance(request.user, AnonymousUser):
                if getattr(request, "htmx", False):
                    return HttpResponseClientRedirect(str(settings.LOGIN_URL))
                return redirect_to_login(request.get_full_path())
            if not (request.user.is_staff and request.user.has_perms(permissions)):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


class ResearcherAdminSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold has no types
    """Signs in through allauth, so that two-factor authentication and rate limits hold here too."""

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        wrapped: View = allow_alpine(super().admin_view(view, cacheable))
        return wrapped

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        response: HttpResponseBase = secure_admin_login(super().login)(request, extra_context)
        return response
