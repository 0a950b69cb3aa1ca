"""The debrief, and withdrawal, which is possible at any time and in any state of the study."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from studies import erasure_log
from studies.allocation.places import free
from studies.models import ConsentEvent, Session
from studies.participant.access import frame, last_page, session_page
from studies.participant.leaving.finishing import finish, unsaved, way_back_of
from studies.participant.leaving.given_back import given_back, is_being_made
from studies.protocol.visit import Purpose
from studies.publish import session_protocol
from studies.talk.live.watch import look_now
from studies.voices.library import withdraw_donations
from studies.withdrawal import finish_withdrawal, keeps_data, take_back

log = structlog.get_logger(__name__)


@require_safe
@session_page(after_end=True)
def debrief(request: HttpRequest, session: Session) -> HttpResponse:
    """Shows the debrief. Opening it when every page is done finishes the session.

    The page reloads itself until all recordings are saved and the completion code is there. From then on it also shows
    what the study gives back about the talks."""
    finish(session)
    left = unsaved(session)
    given = [] if left else given_back(session)
    context = frame(
        request,
        session,
        unsaved=left,
        way=way_back_of(session),
        given=given,
        making=is_being_made(given, session_protocol(session)),
    )
    return render(request, "participant/leaving/debrief.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def withdrawal(request: HttpRequest, token: str) -> HttpResponse:
    """Asks for confirmation, then withdraws the participant, even during a talk. With `purpose`, only the consent to
    this optional purpose is withdrawn."""
    session = _session(token)
    if session.state == Session.State.WITHDRAWN:
        return last_page(request, session)
    if request.method == "POST":
        purpose = request.POST.get("purpose", "")
        here = reverse("withdraw", args=[session.token])
        if not purpose:
            withdraw(session)
            return redirect(here)
        return redirect(f"{here}?taken_back={purpose}" if take_back_purpose(session, purpose) else here)
    taken_back = request.GET.get("taken_back", "") in _refused_purposes(session)
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
    """Returns the receipt as a text file."""
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


def withdraw(session: Session) -> None:
    """Ends every session of the participant. From then on nothing more is recorded; running talks and previews end.

    Then the collected data are erased or kept, according to the study's policy. If this fails, it is tried again later.
    It is safe to repeat."""
    sessions = list(session.participant.sessions.all())
    for each in sessions:
        _close(each)
    for each in sessions:
        try:
            finish_withdrawal(each)
        except Exception:  # The sessions are closed in any case, and this is tried again later.
            log.exception("withdrawal_not_finished", session=each.pk)


def optional_purposes(session: Session) -> list[Purpose]:
    """Returns the optional purposes to which the participant agreed, which can be withdrawn one by one."""
    return [
        purpose
        for purpose in session_protocol(session).consent.purposes
        if not purpose.required and session.consent(purpose.key) is not None
    ]


def _refused_purposes(session: Session) -> set[str]:
    """Returns the optional purposes to which the participant does not agree, or no longer."""
    listed = session_protocol(session).consent.purposes
    return {each.key for each in listed if not each.required and session.consent(each.key) is None}


def take_back_purpose(session: Session, purpose: str) -> bool:
    """Withdraws the consent to one optional purpose; talks that need it end.

    Returns False if the purpose is required or was not granted."""
    if purpose not in {each.key for each in optional_purposes(session)}:
        return False
    taken_back = take_back(session, purpose)
    if purpose == ConsentEvent.Purpose.VOICE_DONATION.value:
        withdraw_donations(session)
    erasure_log.note("purpose", study=session.study.slug, code=session.participant.code, purpose=purpose)
    look_now()
    return taken_back


@transaction.atomic
def _close(session: Session) -> None:
    locked = Session.objects.select_for_update(of=("self",)).get(pk=session.pk)
    keep = {ConsentEvent.Purpose.RECORD} if keeps_data(locked) else set()  # It is taken back once all takes are filed.
    for purpose in ConsentEvent.Purpose.values:
        if purpose not in keep:
            take_back(locked, purpose)
    if locked.state != Session.State.WITHDRAWN:
        free(locked)
        locked.state = Session.State.WITHDRAWN
        erasure_log.note("withdrawal", study=locked.study.slug, code=locked.participant.code)
        locked.save(update_fields=["state", "seen_at"])
    look_now()
