"""Guards the pages of a session: finds it by its token, and sends away whoever cannot go on with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from studies.models import Session, Study
from studies.participant.flow import current_step, progress

Page = Callable[..., HttpResponse]

TAKEN_OVER = (
    "This session was opened in another tab or on another device, so nothing was saved. To go on here, send this again."
)


def session_page(*, after_end: bool = False) -> Callable[[Page], Page]:
    """Wraps `page(request, session, ...)` as `view(request, token, ...)`.

    Withdrawn and declined sessions get their last page instead; finished ones the debrief; those of a paused or
    closed study are told so. `after_end` pages stay open to a finished session and whatever the study's state."""

    def decorate(page: Page) -> Page:
        @never_cache
        @wraps(page)
        def view(request: HttpRequest, token: str, *args: Any, **kwargs: Any) -> HttpResponse:
            sessions = Session.objects.select_related("version__study", "participant")
            session = get_object_or_404(sessions, token=token)
            if session.state == Session.State.WITHDRAWN:
                return render(request, "participant/withdrawn.html", {"study": session.study, "session": session})
            if session.state == Session.State.DECLINED:
                return render(request, "participant/declined.html", {"study": session.study})
            if not after_end:
                if session.state == Session.State.FINISHED:
                    return redirect("debrief", session.token)
                if session.study.state != Study.State.OPEN:
                    return not_open(request, session.study, session)
            return page(request, session, *args, **kwargs)

        return view

    return decorate


def not_open(request: HttpRequest, study: Study, session: Session | None = None) -> HttpResponse:
    """Says that a study is paused or closed."""
    return render(request, "participant/not_open.html", {"study": study, "session": session})


def frame(request: HttpRequest, session: Session, **context: Any) -> dict[str, Any]:
    """What templates/participant/frame.html needs, and `context`."""
    return {
        "session": session,
        "study": session.study,
        "progress": progress(session),
        "epoch": session.epoch,
        "resume_link": request.build_absolute_uri(reverse("resume", args=[session.token])),
        **context,
    }


def go_on(session: Session) -> HttpResponse:
    """To the step a session stands at."""
    return redirect(current_step(session).address(session))


def take_over(session: Session) -> None:
    """Makes whatever is opened from now on the one live tab."""
    Session.objects.filter(pk=session.pk).update(epoch=F("epoch") + 1)
    session.refresh_from_db(fields=["epoch"])


def is_live_tab(request: HttpRequest, session: Session) -> bool:
    """Whether the form came from the tab that was opened last. When not, the sender takes over by sending again."""
    if request.POST.get("epoch") == str(session.epoch):
        return True
    take_over(session)
    return False
