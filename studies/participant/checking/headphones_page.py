"""The headphone screening: short listening trials that only headphones make easy."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from studies.errors import BadReport
from studies.models import Session
from studies.participant.access import frame, go_on, session_page
from studies.participant.checking.headphones import keep_answers, read_answers, screening_of, skip
from studies.publish import session_protocol


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def headphones(request: HttpRequest, session: Session) -> HttpResponse:
    """One attempt: `answers` is a JSON list of 1, 2 and 3; `attempt` counts from 0. With `decision` "skip", a
    participant who cannot do a listening task says so."""
    asked = session_protocol(session).device_check.headphones
    if asked is None:
        return go_on(session)
    error = ""
    if request.method == "POST":
        if request.POST.get("decision") == "skip":
            skip(session, asked)
            return go_on(session)
        try:
            answers = read_answers(request.POST.get("answers", ""), asked.trials)
            keep_answers(session, asked, _number(request.POST.get("attempt", "")), answers)
            return go_on(session) if screening_of(session, asked)["done"] else redirect("headphones", session.token)
        except BadReport as problem:
            error = _("The answers did not arrive as they should (%(what)s). Please listen once more.")
            error %= {"what": problem}
    screening = screening_of(session, asked)
    used = len(screening["attempts"])
    config = {"method": asked.method, "seed": screening["seed"], "attempt": used, "trials": asked.trials}
    context = frame(
        request,
        session,
        headphones_config=config,
        asked=asked,
        failed=used > 0,
        left=asked.attempts - used,
        error=error,
    )
    return render(request, "participant/checking/headphones.html", context, status=422 if error else 200)


def _number(text: str) -> int:
    """Raises BadReport."""
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise BadReport(_("expected the number of the attempt"))
    return int(text)
