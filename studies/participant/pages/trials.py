"""The trials of a session: talk, rate, and compare the two answers of a pair."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from inference.audio import UPLINK_SAMPLES
from inference.catalog import ENGINES
from studies.models import Session, Trial
from studies.participant import answers
from studies.participant.access import TAKEN_OVER, frame, go_on, is_live_tab, session_page
from studies.participant.explore import about_engine
from studies.participant.flow import Step, current_step
from studies.participant.forms import ComparisonForm, RatingForm
from studies.participant.heard import heard_take
from studies.participant.pages.entry import capture_settings
from studies.publish import protocol_of


@require_GET
@session_page()
def talk(request: HttpRequest, session: Session, position: int) -> HttpResponse:
    """The talk itself. In a fixed plan only the trial that is due can be talked in; a visitor may repeat any."""
    trial = get_object_or_404(session.trials.select_related("prompt", "condition"), position=position)
    planned = trial.pair is not None
    due = current_step(session)
    if session.checked_at is None or (planned and due != Step("talk", position)):
        return go_on(session)
    config = {
        "takesUrl": reverse("create_take", args=[session.token, position]),
        "doneUrl": reverse("next_step", args=[session.token]),
        "limitMs": trial.prompt.limit_sec * 1_000,
        "uplinkSamples": UPLINK_SAMPLES,
        "capture": capture_settings(session),
        "hearYourself": protocol_of(session.version).hear_yourself == "live",
        **_engine_words(session, trial),
    }
    return render(request, "participant/talk.html", frame(request, session, trial=trial, talk_config=config))


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def rate(request: HttpRequest, session: Session, position: int) -> HttpResponse:
    """Questions about one talk; going back to them revises the answers."""
    trial = get_object_or_404(session.trials.select_related("prompt"), position=position)
    items = protocol_of(session.version).ratings
    if trial.take is None or not items:
        return go_on(session)
    given = answers.latest(trial)
    form = RatingForm(items, request.POST if request.method == "POST" else None, initial=given)
    if request.method == "POST" and form.is_valid():
        if is_live_tab(request, session):
            answers.save_ratings(trial, form.cleaned_data)
            return go_on(session)
        form.add_error(None, TAKEN_OVER)
    context = frame(request, session, trial=trial, form=form)
    return render(request, "participant/rate.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def compare(request: HttpRequest, session: Session, pair: int) -> HttpResponse:
    """Both answers of a pair, blinded as A and B. Each must be heard before the verdict counts."""
    trials = list(session.trials.filter(pair=pair).select_related("prompt").order_by("side"))
    items = protocol_of(session.version).comparison
    shown = [(trial, heard_take(session, trial.take)) for trial in trials if trial.take is not None]
    if len(shown) < 2 or not items:
        return go_on(session)
    audible = [trial for trial, take in shown if take.state != "missing"]
    form = ComparisonForm(items, audible, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if is_live_tab(request, session):
            answers.save_judgements(session, trials, form.choices, form.listened_sec)
            return go_on(session)
        form.add_error(None, TAKEN_OVER)
    context = frame(request, session, shown=shown, form=form, prompt=trials[0].prompt)
    return render(request, "participant/compare.html", context, status=422 if form.errors else 200)


def _engine_words(session: Session, trial: Trial) -> dict[str, str]:
    """What the page says of the engine; nothing where engines differ and the name would break the blinding."""
    engines = set(session.version.conditions.values_list("engine", flat=True))
    if trial.pair is not None and len(engines) > 1:
        return {"engineLabel": "", "engineAbout": ""}
    engine = trial.condition.engine
    return {"engineLabel": ENGINES[engine].label, "engineAbout": about_engine(engine)}
