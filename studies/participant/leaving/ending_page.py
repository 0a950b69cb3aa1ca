"""The end of a visit: what it was about, and the completion code."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studies.models import Session
from studies.participant.access import frame, session_page
from studies.participant.leaving.finishing import finish, unsaved, way_back_of


@require_safe
@session_page(after_end=True)
def debrief(request: HttpRequest, session: Session) -> HttpResponse:
    """What it was about. Opening it with every page done finishes the session; the code comes when all is saved, for
    which the page looks again by itself."""
    finish(session)
    return render(
        request, "participant/leaving/debrief.html", frame(request, session, unsaved=unsaved(session), way=way_back_of(session))
    )
