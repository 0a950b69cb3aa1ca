"""The explore study: choose, talk, ask again in another voice, put takes side by side."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from studies.design.visit import Page
from studies.models import Session, Take
from studies.participant.access import frame, go_on, session_page
from studies.participant.comparing.differences import differences, is_being_measured
from studies.participant.comparing.heard import heard_take
from studies.participant.flow import mark_done
from studies.participant.talking.explore import Options, choose, finished_takes, options
from studies.participant.talking.forms import ExploreForm
from studies.publish import session_protocol

MOST_SIDE_BY_SIDE = 4


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def explore(request: HttpRequest, session: Session) -> HttpResponse:
    """The visitor's own page: what to choose from, and the talks so far, newest first."""
    protocol = session_protocol(session)
    if protocol.offer is None:
        return go_on(session)
    if request.method == "POST" and request.POST.get("decision") == "finish":
        mark_done(session, Page("explore"))
        return go_on(session)
    offered = options(session, protocol)
    talked = finished_takes(session)
    initial = _initial(request, offered, talked[0] if talked else None)
    form = ExploreForm(offered, request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        trial = choose(session, **form.cleaned_data)
        return redirect("talk", session.token, trial.position)
    takes = [heard_take(session, take) for take in talked]
    context = frame(request, session, form=form, offered=offered, takes=takes, latest=takes[0] if takes else None)
    return render(request, "participant/talking/explore.html", context, status=422 if form.errors else 200)


def _initial(request: HttpRequest, offered: Options, latest: Take | None) -> dict[str, str]:
    """What is ticked at first: what the address asks for, else what was talked about last, else the first of each."""
    first = {"prompt": offered.prompts, "voice": offered.voices, "engine": offered.engines}
    initial = {name: cards[0].key for name, cards in first.items() if cards}
    if latest is not None:
        initial["prompt"] = latest.trial.prompt.key
    return initial | {name: request.GET[name] for name in first if name in request.GET}


@require_safe
@session_page()
def side_by_side(request: HttpRequest, session: Session) -> HttpResponse:
    """Two to four takes next to each other, chosen by `take` in the query."""
    chosen = set(request.GET.getlist("take"))
    takes = [take for take in reversed(finished_takes(session)) if str(take.pk) in chosen][:MOST_SIDE_BY_SIDE]
    if len(takes) < 2:
        return redirect("explore", session.token)
    context = frame(
        request,
        session,
        takes=[heard_take(session, take) for take in takes],
        tables=differences(takes),
        measuring=any(is_being_measured(take) for take in takes),
    )
    return render(request, "participant/talking/side_by_side.html", context)
