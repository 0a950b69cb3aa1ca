"""Who may open the researchers' own addresses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect

View = Callable[..., HttpResponseBase]


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
