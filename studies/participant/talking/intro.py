"""Pages between the talks with nothing to answer: what comes next, and pauses."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from studies.design.visit import Page
from studies.models import Session
from studies.participant.access import frame, go_on, session_page
from studies.participant.flow import mark_done
from studies.publish import session_protocol


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def intro(request: HttpRequest, session: Session, which: str) -> HttpResponse:
    """Before the practice or before the first talk that counts."""
    protocol = session_protocol(session)
    text = {"practice": protocol.practice_intro, "main": protocol.main_intro}.get(which)
    if text is None:
        raise Http404
    if request.method == "POST":
        mark_done(session, Page("intro", which))
        return go_on(session)
    practice = session.trials.filter(practice=True).count()
    talks = practice if which == "practice" else session.trials.count() - practice
    return render(
        request,
        "participant/talking/intro.html",
        frame(request, session, text=text, is_practice=which == "practice", talks=talks),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def pause(request: HttpRequest, session: Session, position: int) -> HttpResponse:
    """A break before the trial at `position`, as long as one likes."""
    left = session.trials.filter(position__gte=position).count()
    if not left:
        raise Http404
    if request.method == "POST":
        mark_done(session, Page("break", position=position))
        return go_on(session)
    return render(request, "participant/talking/break.html", frame(request, session, left=left))
