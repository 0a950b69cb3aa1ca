"""The way out, at any time: from every page, and from its own link afterwards, whatever became of the study."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from studies.models import Session
from studies.participant.access import last_page
from studies.participant.leaving.withdraw import optional_purposes, take_back_purpose, withdraw
from studies.publish import session_protocol
from studies.withdrawal import keeps_data


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def withdrawal(request: HttpRequest, token: str) -> HttpResponse:
    """Asks once, then withdraws; also from the middle of a talk. What was agreed to without having to can be taken back
    alone."""
    session = _session(token)
    if session.state == Session.State.WITHDRAWN:
        return last_page(request, session)
    taken_back = None
    if request.method == "POST":
        purpose = request.POST.get("purpose", "")
        if not purpose:
            withdraw(session)
            return redirect("withdraw", session.token)
        taken_back = take_back_purpose(session, purpose)
    context = {
        "session": session,
        "study": session.study,
        "protocol": session_protocol(session),
        "keeps": keeps_data(session),
        "purposes": optional_purposes(session),
        "taken_back": taken_back,
        "resume_link": request.build_absolute_uri(reverse("resume", args=[session.token])),
    }
    return render(request, "participant/leaving/withdraw.html", context)


@never_cache
@require_safe
def receipt(request: HttpRequest, token: str) -> HttpResponse:
    """The receipt as a text to keep."""
    session = _session(token)
    found = session.receipt if session.state == Session.State.WITHDRAWN else None
    if found is None:
        raise Http404
    text = render_to_string("participant/leaving/receipt.txt", {"receipt": found, "study": session.study}, request)
    return HttpResponse(
        text.strip() + "\n",
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="receipt-{found.pk}.txt"'},
    )


def _session(token: str) -> Session:
    return get_object_or_404(Session.objects.select_related("version__study", "participant__study"), token=token)
