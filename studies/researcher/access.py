"""Access to researchers' pages: the admin site to which they sign in, the permissions that a page requires, and the
accounts that have them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from allauth.account.decorators import secure_admin_login
from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from django_htmx.http import HttpResponseClientRedirect
from unfold.sites import UnfoldAdminSite

View = Callable[..., HttpResponseBase]

# Alpine.js, which runs the admin's menus, evaluates expressions and needs `unsafe-eval`. No other page allows it.
allow_alpine: Callable[[View], View] = csp_update({"script-src": ["'unsafe-eval'"]})


def researcher_with(*permissions: str) -> Callable[[View], View]:
    """Restricts a view to staff who have all `permissions`.

    Other users who are signed in get 403. Anonymous users are redirected to sign in; for an htmx request the whole page
    is redirected."""

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
    """The admin site. It signs in through allauth, so that two-factor authentication and rate limits apply here too."""

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without the address that leads from any row to its page on the site, whoever may view the row."""
        return [entry for entry in super().get_urls() if getattr(entry, "name", "") != "view_on_site"]

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        wrapped: View = allow_alpine(super().admin_view(view, cacheable))
        return wrapped

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        response: HttpResponseBase = secure_admin_login(super().login)(request, extra_context)
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Leads to the page where wrong passwords are counted."""
        return redirect("account_change_password")


RESEARCHERS: Final = "Researchers"
PASSWORD_BYTES: Final = 12  # 96 bits, 16 characters


def researchers_group() -> Group:
    """Returns the group whose members may view everything of the studies, and add and change studies and target voices.

    Its permissions are set on each call, so that an upgrade of the product updates them."""
    group, _ = Group.objects.get_or_create(name=RESEARCHERS)
    own = Permission.objects.filter(content_type__app_label="studies")
    group.permissions.set(
        own.filter(codename__startswith="view_")
        | own.filter(codename__in=["add_study", "change_study"])
        | own.filter(codename__in=["add_targetvoice", "change_targetvoice", "delete_targetvoice"])
    )
    return group


@transaction.atomic
def create_researcher(username: str) -> str:
    """Creates a researcher and returns the random password, which is not stored in plain text.

    If there is no administrator yet, the account becomes one. Raises IntegrityError if the name is taken."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    first = not User.objects.filter(is_superuser=True).exists()
    researcher = User.objects.create_user(username, password=password, is_staff=True, is_superuser=first)
    researcher.groups.add(researchers_group())
    return password
