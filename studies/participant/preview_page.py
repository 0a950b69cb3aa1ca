"""Pages of a preview in any order."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studies.models import Session
from studies.participant import preview
from studies.participant.access import find_session, frameable, last_page, traceless
from studies.participant.flow import address


@require_safe
@never_cache
@traceless
def preview_page(request: HttpRequest, token: str, name: str) -> HttpResponse:
    """The page of this name (see `studies.design.visit.Page.name`), or the way of ending early."""
    session = find_session(token)
    if session.mode != Session.Mode.PREVIEW:
        raise Http404
    if name in preview.LAST:
        return frameable(last_page(request, session, preview.LAST[name]))
    page = preview.jump(session, name)
    if page is None:
        raise Http404
    return redirect(address(session, page))
