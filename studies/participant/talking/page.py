"""The talk of a trial, and the pages between talks that ask nothing: introductions and breaks."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from inference.contract.audio import UPLINK_SAMPLES
from inference.contract.catalog import ENGINES
from studies.design.visit import Page
from studies.models import Session, Take, Trial
from studies.participant.access import frame, go_on, session_page
from studies.participant.checking.page import capture_settings
from studies.participant.flow import mark_done
from studies.participant.talking.explore import about_engine, machine_of
from studies.publish import session_protocol
from studies.talk.live.endings import ENDINGS
from studies.talk.takes import OPEN_STATES, names_machine

SECTIONS: Final = {
    "role": _("Your role"),
    "situation": _("The situation"),
    "goal": _("Your goal"),
    "first_line": _("You could begin with"),
    "how_to_interact": _("How to talk"),
    "details": _("Good to know"),
}
UNDER_WAY: Final = _(
    "A conversation in this scenario was already in progress, either on this page before it was reloaded or in "
    "another window. If you continue here, that conversation ends. What was said in it is saved."
)


@require_safe
@session_page()
def talk(request: HttpRequest, session: Session, position: int) -> HttpResponse:
    """Shows the talk of a trial. In a planned study only the trial that is due is open; in an explore study any is."""
    trial = get_object_or_404(session.trials.select_related("prompt", "condition"), position=position)
    protocol = session_protocol(session)
    card = protocol.prompt(trial.prompt.key)
    config = {
        "takesUrl": f"{reverse('create_take', args=[session.token, position])}?epoch={session.epoch}",
        "doneUrl": reverse("next_step", args=[session.token]),
        "hereUrl": reverse("resume", args=[session.token]),
        "limitMs": trial.prompt.limit_sec * 1_000,
        "uplinkSamples": UPLINK_SAMPLES,
        "capture": capture_settings(session),
        "hearYourself": protocol.hear_yourself == "live",
        "interrupted": interruption(trial),
        **_engine_words(session, trial),
    }
    context: dict[str, Any] = {
        "trial": trial,
        "card": card,
        "sections": [(section.kind, SECTIONS[section.kind], section.text) for section in card.sections],
        "delivery": protocol.condition(trial.condition.key).delivery,
        "talk_config": config,
    }
    return render(request, "participant/talking/talk.html", frame(request, session, **context))


def interruption(trial: Trial) -> str:
    """Returns a message on how the latest take of the trial was interrupted; empty if it was not."""
    last = trial.takes.order_by("-number").first()
    if last is None or last.started_at is None or last.outcome == Take.Outcome.COMPLETED:
        return ""
    if last.state in OPEN_STATES:
        return str(UNDER_WAY)
    return str(ENDINGS[last.end_reason].message) if last.end_reason in ENDINGS else ""


def _engine_words(session: Session, trial: Trial) -> dict[str, str | bool]:
    """Returns what the page says about the engine, and whether it shows what the engine noticed of the voice. It is
    empty where participants may not learn which machine answers."""
    if not names_machine(session):
        return {"engineLabel": "", "engineAbout": "", "engineHearsVoice": False}
    engine = trial.condition.engine
    machine = machine_of(session, trial.condition)
    return {
        "engineLabel": machine.label if machine is not None else gettext(ENGINES[engine].label),
        "engineAbout": machine.about if machine is not None else about_engine(engine),
        "engineHearsVoice": "voice" in ENGINES[engine].fixed.get("hears", ()),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def intro(request: HttpRequest, session: Session, which: str) -> HttpResponse:
    """Shows the introduction to the practice or to the main talks."""
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
    """Shows a break before the trial at `position`, which the participant ends."""
    left = session.trials.filter(position__gte=position).count()
    if not left:
        raise Http404
    if request.method == "POST":
        mark_done(session, Page("break", position=position))
        return go_on(session)
    return render(request, "participant/talking/break.html", frame(request, session, left=left))
