"""Requests that any page of a session can make: whether its tab is still live, to send a form of an older tab again, to
change the language and, in a preview, to open another page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from studies.models import Session
from studies.participant import preview
from studies.participant.access import (
    TAKEN_OVER,
    fields_of,
    find_session,
    frame,
    frameable,
    go_on,
    last_page,
    session_page,
    traceless,
)
from studies.participant.flow import address
from studies.participant.refused import refused_form
from studies.publish import session_protocol


@require_safe
@never_cache
def tab(request: HttpRequest, token: str) -> JsonResponse:
    """Returns {live, state}: whether the tab that shows `epoch` is the newest one, and the session's state."""
    session = find_session(token)
    return JsonResponse({"live": session.live_tab(request.GET.get("epoch")), "state": session.state})


@require_POST
@session_page(always=True)
def language(request: HttpRequest, session: Session) -> HttpResponse:
    """Changes the language of the session to another one of the study's, and redirects to the page `next`."""
    wanted = request.POST.get("language")
    if wanted in session_protocol(session).languages:
        Session.objects.filter(pk=session.pk).update(language=wanted)
    page = request.POST.get("next", "")
    own = reverse("resume", args=[session.token])
    return redirect(page if page.startswith(own) and ".." not in page else own)


@require_safe
@session_page(always=True)
def send_again(request: HttpRequest, session: Session) -> HttpResponse:
    """Says that another tab is the newest one, and offers to send a form from an older one again and to continue there.

    The status is 409."""
    refused = refused_form(request)
    if refused is None:
        return go_on(session)
    again = fields_of(refused.fields)
    context = frame(request, session, epoch=None, address=refused.address, again=again, message=TAKEN_OVER)
    return render(request, "participant/taken_over.html", context, status=409)


@require_safe
@never_cache
@traceless
def preview_page(request: HttpRequest, token: str, name: str) -> HttpResponse:
    """Shows the page of this name (see `studies.design.visit.Page.name`), or the last page of one of the early
    endings."""
    session = find_session(token)
    if session.mode != Session.Mode.PREVIEW:
        raise Http404
    if name in preview.LAST:
        return frameable(last_page(request, session, preview.LAST[name]))
    page = preview.jump(session, name)
    if page is None:
        raise Http404
    return redirect(address(session, page))
