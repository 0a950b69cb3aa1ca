"""The ways out: the debrief with its completion code, and withdrawal."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from studies.models import Session
from studies.participant.access import frame, go_on, session_page
from studies.participant.flow import DEBRIEF, current_step, finish
from studies.participant.withdraw import withdraw
from studies.publish import protocol_of


@require_GET
@session_page(after_end=True)
def debrief(request: HttpRequest, session: Session) -> HttpResponse:
    """What it was about, and the completion code. Opening it with every step done finishes the session."""
    if session.state == Session.State.STARTED:
        if current_step(session) != DEBRIEF:
            return go_on(session)
        finish(session)
    protocol = protocol_of(session.version)
    return render(request, "participant/debrief.html", frame(request, session, protocol=protocol))


@require_http_methods(["GET", "HEAD", "POST"])
@session_page(after_end=True)
def withdrawal(request: HttpRequest, session: Session) -> HttpResponse:
    """Asks once, then erases; also from the middle of a talk."""
    if request.method == "POST":
        withdraw(session)
        return redirect("resume", session.token)
    return render(request, "participant/withdraw.html", frame(request, session))
