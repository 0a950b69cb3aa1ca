"""Guards the pages of a session: finds the session by its token, and sends away participants who cannot continue it. A
form that was refused, because it came from an older tab or without a valid CSRF token, can be sent once more."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final

from csp.constants import SELF
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from studies.design.visit import Page
from studies.languages import own_name
from studies.models import Session, Study
from studies.participant import flow, preview
from studies.participant.arriving import enrol
from studies.participant.arriving.screening import FIRST_RULE, message_of
from studies.participant.leaving.finishing import way_back_of
from studies.participant.refused import forget, refuse
from studies.publish import session_protocol
from studies.talk.live.watch import look_now

View = Callable[..., HttpResponse]

TAKEN_OVER: Final = _(
    "This session has since been opened in another tab or on another device, so what you sent from here was not saved."
)
HERE: Final = "here"
"""Name of the cookie that holds the epoch of the newest tab in a browser. It is limited to the session's addresses."""
BACK_FROM: Final = frozenset({"questions", "intro"})
"""Kinds of pages from which and to which participants can go back."""
CHANGEABLE: Final = frozenset({"questions", "compare", "intro", "break", "check"})
"""Kinds of pages that can be opened again after they are done."""
LAST_PAGES: Final = {
    Session.State.WITHDRAWN: "participant/leaving/withdrawn.html",
    Session.State.DECLINED: "participant/consenting/declined.html",
    Session.State.SCREENED_OUT: "participant/arriving/screened_out.html",
    Session.State.QUOTA_FULL: "participant/arriving/quota_full.html",
}


def session_page(*, after_end: bool = False, always: bool = False) -> Callable[[View], View]:
    """Wraps `page(request, session, ...)` as `view(request, token, ...)`.

    A page that may not be opened now (see `is_open`) redirects to the one that is due. Sessions that ended early show
    their last page instead, finished ones redirect to the debrief, and those of a paused or closed study are told so.
    With `after_end` the page is also open to finished sessions, whatever the study's state; with `always` also to those
    that ended early.

    Forms from an older tab are refused (`sent_by_older_tab`). A page that is opened in another browser becomes the
    newest tab."""

    def decorate(page: View) -> View:
        @never_cache
        @traceless
        @wraps(page)
        def view(request: HttpRequest, token: str, *args: Any, **kwargs: Any) -> HttpResponse:
            session = find_session(token)
            epoch = session.epoch
            response = answer(request, session, *args, **kwargs)
            if session.epoch != epoch:
                _remember(response, request, session)
            return frameable(response) if session.mode == Session.Mode.PREVIEW else response

        def answer(request: HttpRequest, session: Session, *args: Any, **kwargs: Any) -> HttpResponse:
            shown = shown_page(request)
            if session.mode == Session.Mode.PREVIEW and shown is not None:
                return page(request, session, *args, **kwargs)
            if session.state in LAST_PAGES and not always:
                return last_page(request, session)
            if request.method == "POST":
                forget(request)
                if not was_sent_by_live_tab(request, session):
                    return sent_by_older_tab(request, session)
            if not (after_end or always):
                if session.state == Session.State.FINISHED:
                    return redirect("debrief", session.token)
                if not is_running(session):
                    return not_open(request, session.study, session)
                enrol.stay(session)
                if session.state in LAST_PAGES:
                    return last_page(request, session)
            if shown is not None and not is_open(session, shown):
                return go_on(session)
            if shown is not None and request.method == "GET" and not session.live_tab(request.COOKIES.get(HERE)):
                take_over(session)
            return page(request, session, *args, **kwargs)

        return view

    return decorate


def traceless(view: View) -> View:
    """Answers HEAD requests as GET would, but rolls back every change, so that link checkers do not use up links."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "HEAD":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            response = view(request, *args, **kwargs)
            transaction.set_rollback(True)
        response.cookies.clear()
        return response

    return answer


def frameable(response: HttpResponse) -> HttpResponse:
    """Allows pages of this site, such as the researchers' preview, to show this one in a frame."""
    response["X-Frame-Options"] = "SAMEORIGIN"
    response._csp_replace = {"frame-ancestors": [SELF]}  # type: ignore[attr-defined]  # as csp_replace does
    return response


def framed_by(response: HttpResponse, origins: Sequence[str], *, submit_to: str = "") -> HttpResponse:
    """Lets pages of these sites show this one in a frame, and its form be sent to `submit_to`. The older header could
    not name them, so it is left out."""
    response.xframe_options_exempt = True
    response._csp_replace = {  # type: ignore[attr-defined]
        "frame-ancestors": list(origins),
        **({"form-action": [submit_to]} if submit_to else {}),
    }
    return response


def find_session(token: str) -> Session:
    """Returns the session of a token. Raises Http404 if there is none."""
    sessions = Session.objects.select_related("version__study", "participant")
    return get_object_or_404(sessions, token=token)


def is_running(session: Session) -> bool:
    """Whether the state of the study allows a session to continue.

    Live sessions continue while the study is open, pilots and bots until it is closed, and previews always."""
    if session.mode == Session.Mode.PREVIEW:
        return True
    if session.mode == Session.Mode.LIVE:
        return session.study.state == Study.State.OPEN
    return session.study.state != Study.State.CLOSED


def last_page(request: HttpRequest, session: Session, state: str = "") -> HttpResponse:
    """Returns the only page that is left of a session that ended early; given a `state`, the page of that state."""
    state = state or session.state
    protocol = session_protocol(session)
    context = {
        "study": session.study,
        "protocol": protocol,
        "session": session,
        "message": message_of(protocol, session.ended_because or FIRST_RULE),
        "way": way_back_of(session, state),
        "agreed": session.consent("participate") is not None,
        "preview": preview.bar(session),
    }
    return render(request, LAST_PAGES[Session.State(state)], context)


def not_open(request: HttpRequest, study: Study, session: Session | None = None) -> HttpResponse:
    """Says that a study is paused or closed. Participants who have given consent can still withdraw it."""
    context = {
        "study": study,
        "session": session,
        "protocol": session_protocol(session) if session is not None else None,
        "agreed": session is not None and session.consent("participate") is not None,
    }
    return render(request, "participant/arriving/not_open.html", context)


def shown_page(request: HttpRequest) -> Page | None:
    """Returns the page of the session that a request is about, or None if it is about no such page."""
    match = request.resolver_match
    return flow.page_at(match.url_name or "", match.kwargs) if match is not None else None


def is_open(session: Session, page: Page) -> bool:
    """Whether a page may be shown: it is due, or it was done and can be changed. A preview may show any page."""
    if session.mode == Session.Mode.PREVIEW:
        return True
    if session.state == Session.State.FINISHED:
        return page == flow.DEBRIEF
    if (
        session_protocol(session).kind == "explore"
        and page.kind == "consent"
        and session.consent("participate") is None
    ):
        page = Page("explore")  # which asks for it
    listed = flow.steps(session)
    return page == flow.first_open(listed) or (page.kind in CHANGEABLE and flow.Step(page, done=True) in listed)


def frame(request: HttpRequest, session: Session, **context: Any) -> dict[str, Any]:
    """Returns the context of templates/participant/frame.html together with `context`.

    Records that the page was seen."""
    protocol = session_protocol(session)
    listed = flow.steps(session)
    shown = shown_page(request)
    if shown is not None and request.method == "GET":
        flow.mark_seen(session, shown)
    return {
        "session": session,
        "study": session.study,
        "protocol": protocol,
        "progress": flow.progress(listed) if protocol.kind != "explore" else None,
        "back": _back(session, listed, shown),
        "epoch": session.epoch,
        "resume_link": request.build_absolute_uri(reverse("resume", args=[session.token])),
        "languages": [(tag, own_name(tag)) for tag in protocol.languages] if len(protocol.languages) > 1 else [],
        "agreed": session.consent("participate") is not None,
        "preview": preview.bar(session),
        **context,
    }


def go_on(session: Session) -> HttpResponse:
    """Redirects to the page that is due in a session."""
    enrol.advance(session)
    if session.state in LAST_PAGES:
        return redirect("resume", session.token)
    return redirect(flow.address(session, flow.current_step(session)))


def take_over(session: Session) -> None:
    """Makes the tab that is opened now the only live one, by raising the session's epoch."""
    Session.objects.filter(pk=session.pk).update(epoch=F("epoch") + 1)
    session.refresh_from_db(fields=["epoch"])
    look_now()  # This ends a talk in another tab.


def was_sent_by_live_tab(request: HttpRequest, session: Session) -> bool:
    """Whether a form came from the newest tab, or from one that takes over by sending it."""
    if "take_over" in request.POST:
        take_over(session)
        return True
    return session.live_tab(request.POST.get("epoch")) or session.live_tab(request.GET.get("epoch"))


def sent_by_older_tab(request: HttpRequest, session: Session) -> HttpResponse:
    """Refuses a form from a tab that is not the newest one. A page of its own says so (`studies.participant.tabs`).

    Requests in JSON get the status 409 and the code "taken_over"."""
    if request.content_type == "application/json":
        return JsonResponse({"code": "taken_over", "message": str(TAKEN_OVER)}, status=409)
    return refuse(request, page=reverse("send_again", args=[session.token]))


def _remember(response: HttpResponse, request: HttpRequest, session: Session) -> None:
    """Stores in a cookie that the newest tab is in this browser."""
    own = reverse("resume", args=[session.token])
    response.set_cookie(HERE, str(session.epoch), path=own, secure=request.is_secure(), httponly=True, samesite="Lax")


def _back(session: Session, listed: list[flow.Step], shown: Page | None) -> str:
    """Returns the address of the page before, or an empty text if the participant cannot go back to it from here."""
    places = [step.page for step in listed]
    if shown is None or shown.kind not in BACK_FROM or shown not in places[1:]:
        return ""
    before = places[places.index(shown) - 1]
    return flow.address(session, before) if before.kind in BACK_FROM else ""


SESSION: Final = re.compile(r"/p/([\w-]+)/")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explains what to do after a failed CSRF check. A form of a session's page can be sent again from here, so that no
    answers are lost."""
    match = SESSION.match(request.path_info)
    form = match is not None and request.method == "POST" and request.content_type != "application/json"
    context = {"token": match.group(1) if match else "", "form": form, "again": sent_again(request) if form else []}
    return render(request, "403_csrf.html", context, status=403)


def sent_again(request: HttpRequest) -> list[tuple[str, str]]:
    """Returns (name, value) of every field of the form in order, except the CSRF token.

    Django accepts at most 1,000 fields (DATA_UPLOAD_MAX_NUMBER_FIELDS)."""
    if request.method != "POST" or request.FILES:
        return []
    return [(name, value) for name, value in fields_of(request.POST) if name != "csrfmiddlewaretoken"]


def fields_of(sent: QueryDict) -> list[tuple[str, str]]:
    """Returns (name, value) of every field in order."""
    return [(name, str(value)) for name, values in sent.lists() for value in values]
