"""Pages and files for researchers outside the admin."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studies.exports.tables import CONVENTIONS, TABLES, stream, write_codebook
from studies.models import ErasureReceipt, Export, InferenceWorker, Session, Study, Take, Track
from studies.researcher.access import allow_alpine, researcher_with
from studies.researcher.design.asked import frame
from studies.talk.byte_ranges import serve_track
from studies.talk.workers.availability import unserved
from studies.talk.workers.state import WorkerState, state_of

PRESENT_MIN: Final = 15
"""A session counts as present when a page of it was opened within this time."""
LAST_ACTIVITIES: Final = 8
EVERYTHING: Final = frozenset({"study", "session", "take", "inferenceworker", "export", "erasurereceipt"})
"""The models of which the start page tells something, each to those who may view it."""


@dataclass(frozen=True, slots=True)
class StudyLine:
    """A study with counts of its live sessions. `unserved` says why its participants cannot talk now, if so."""

    study: Study
    started: int
    finished: int
    withdrawn: int
    takes: int
    trials: int
    trials_done: int
    unserved: list[str]

    @property
    def done_percent(self) -> int:
        """The percentage of planned trials that have a completed take."""
        return round(100 * self.trials_done / self.trials) if self.trials else 0


@dataclass(frozen=True, slots=True)
class Activity:
    """One recent event. Lists have the newest first."""

    at: datetime
    text: str
    url: str

    @property
    def ago(self) -> str:
        passed = timezone.now() - self.at
        return "just now" if passed < timedelta(minutes=1) else f"{timesince(self.at)} ago"


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the start page shows. `shown` are the models that may be seen; it holds nothing of others."""

    at: datetime
    shown: frozenset[str]
    live_takes: list[Take]
    present: int
    waiting: int
    workers: list[WorkerState]
    filing: int
    failed: list[Take]
    studies: list[StudyLine]
    activities: list[Activity]

    @property
    def fresh_workers(self) -> list[WorkerState]:
        return [line for line in self.workers if line.fresh]

    @property
    def free_slots(self) -> int:
        return sum(line.worker.free_slots for line in self.fresh_workers)

    @property
    def slots(self) -> int:
        return sum(line.worker.slots for line in self.fresh_workers)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds the overview to the start page (named in settings.UNFOLD)."""
    return context | {"overview": overview(_viewable(request))}


def _viewable(request: HttpRequest) -> frozenset[str]:
    return frozenset(model for model in EVERYTHING if request.user.has_perm(f"studies.view_{model}"))


def overview(shown: frozenset[str] = EVERYTHING) -> Overview:
    now = timezone.now()
    takes = (Take.objects if "take" in shown else Take.objects.none()).select_related(
        "trial__session__participant", "trial__session__version__study"
    )
    reported = (
        InferenceWorker.objects.order_by("name") if "inferenceworker" in shown else InferenceWorker.objects.none()
    )
    workers = [state_of(worker, now) for worker in reported]
    workers.sort(key=lambda state: not state.fresh)
    live = takes.filter(state=Take.State.LIVE).select_related("trial__condition")
    present = Session.objects.filter(_present(now)).exclude(mode=Session.Mode.PREVIEW).distinct()
    return Overview(
        at=now,
        shown=shown,
        live_takes=list(live.order_by("started_at", "created_at")),
        present=present.count() if "session" in shown else 0,
        waiting=sum(line.worker.queue_length for line in workers if line.fresh),
        workers=workers,
        filing=takes.filter(state=Take.State.ENDED).count(),
        failed=list(takes.filter(state=Take.State.FAILED).order_by("-ended_at")[:LAST_ACTIVITIES]),
        studies=_studies() if "study" in shown else [],
        activities=_activities(shown),
    )


def _present(now: datetime) -> Q:
    lately = Q(seen_at__gte=now - timedelta(minutes=PRESENT_MIN))
    return Q(state=Session.State.STARTED) & (lately | Q(trials__takes__state=Take.State.LIVE))


def _studies() -> list[StudyLine]:
    """Counts each kind in a query of its own, because joining several to-many relations would multiply the rows."""
    sessions = Session.objects.filter(mode=Session.Mode.LIVE).order_by().values_list("version__study")
    finished, withdrawn = Q(state=Session.State.FINISHED), Q(state=Session.State.WITHDRAWN)
    by_session = {
        study: (all_, *some)
        for study, all_, *some in sessions.annotate(
            all_count=Count("id"), finished=Count("id", filter=finished), withdrawn=Count("id", filter=withdrawn)
        )
    }
    talked = Q(trials__takes__outcome=Take.Outcome.COMPLETED)
    by_trial = {
        study: (all_, done)
        for study, all_, done in sessions.exclude(state__in=[Session.State.WITHDRAWN, Session.State.DECLINED]).annotate(
            all_count=Count("trials", distinct=True), done=Count("trials", filter=talked, distinct=True)
        )
    }
    live_takes = Take.objects.filter(trial__session__mode=Session.Mode.LIVE).order_by()
    takes = live_takes.values_list("trial__session__version__study")
    by_take = dict(takes.annotate(all_count=Count("id")))
    lines = []
    studies = list(Study.objects.order_by("title"))
    lacking = unserved(studies)
    for study in studies:
        started_count, finished_count, withdrawn_count = by_session.get(study.pk, (0, 0, 0))
        trial_count, done_count = by_trial.get(study.pk, (0, 0))
        lines.append(
            StudyLine(
                study=study,
                started=started_count,
                finished=finished_count,
                withdrawn=withdrawn_count,
                takes=by_take.get(study.pk, 0),
                trials=trial_count,
                trials_done=done_count,
                unserved=lacking.get(study.pk, []),
            )
        )
    return lines


def _activities(shown: frozenset[str]) -> list[Activity]:
    """Returns the newest events of all kinds. Previews of drafts are left out."""
    kinds = {"session": _of_sessions, "take": _of_takes, "export": _of_exports, "erasurereceipt": _of_erasures}
    found = [activity for model, newest in kinds.items() if model in shown for activity in newest()]
    return sorted(found, key=lambda activity: activity.at, reverse=True)[:LAST_ACTIVITIES]


def _of_sessions() -> Iterator[Activity]:
    sessions = Session.objects.exclude(mode=Session.Mode.PREVIEW).select_related("participant", "version__study")
    for s in sessions.order_by("-created_at")[:LAST_ACTIVITIES]:
        yield Activity(s.created_at, f"{s.participant.code} began in {s.study}", _page_of(s))
    for s in sessions.filter(finished_at__isnull=False).order_by("-finished_at")[:LAST_ACTIVITIES]:
        if s.finished_at:
            yield Activity(s.finished_at, f"{s.participant.code} finished {s.study}", _page_of(s))


def _of_takes() -> Iterator[Activity]:
    takes = Take.objects.exclude(trial__session__mode=Session.Mode.PREVIEW).filter(ended_at__isnull=False)
    for t in takes.select_related("trial__session__participant").order_by("-ended_at")[:LAST_ACTIVITIES]:
        if t.ended_at:
            yield Activity(t.ended_at, f"{t}: {t.get_outcome_display().lower()}", _page_of(t))


def _of_exports() -> Iterator[Activity]:
    for e in Export.objects.select_related("study")[:LAST_ACTIVITIES]:
        yield Activity(e.at, f"{e.kind} of {e.study} exported", _page_of(e))


def _of_erasures() -> Iterator[Activity]:
    for r in ErasureReceipt.objects.all()[:LAST_ACTIVITIES]:
        became = "what was recorded is kept" if r.kept else "recordings erased"
        yield Activity(r.at, f"{r.code} withdrew; {became}", _page_of(r))


def _page_of(row: Model) -> str:
    return reverse(f"admin:studies_{row._meta.model_name}_change", args=[row.pk])


@require_safe
@never_cache
@researcher_with()
def now(request: HttpRequest) -> HttpResponseBase:
    """Returns the part of the start page that reloads itself."""
    shown = _viewable(request)
    if not shown:
        raise PermissionDenied
    return render(request, "researcher/now.html", {"overview": overview(shown)})


@require_safe
@researcher_with("studies.view_take")
def researcher_track(request: HttpRequest, take_id: uuid.UUID, kind: str) -> HttpResponseBase:
    """Serves one track of a take. Every read is logged."""
    track = get_object_or_404(Track.objects.select_related("take__trial__session"), take_id=take_id, kind=kind)
    response: HttpResponseBase = serve_track(request, track, request.user.get_username())
    return response


@require_safe
@never_cache
@researcher_with("studies.view_study", "studies.view_trial")
def table_csv(request: HttpRequest, slug: str, table: str) -> HttpResponseBase:
    """Streams one of the study's tables; with `?for=excel` so that Excel reads its letters right."""
    study = get_object_or_404(Study, slug=slug)
    if not isinstance(request.user, User):
        raise Http404
    pieces = stream(study, TABLES[table], request.user, excel=request.GET.get("for") == "excel")
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_filename(study, table)}"'
    return response


@require_safe
@researcher_with("studies.view_study")
def codebook_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Returns the codebook of all tables as CSV."""
    study = get_object_or_404(Study, slug=slug)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_filename(study, "codebook")}"'
    write_codebook(response, study)
    return response


@require_safe
@allow_alpine
@researcher_with("studies.view_study")
def codebook(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Shows the codebook as a page."""
    study = get_object_or_404(Study, slug=slug)
    tables = [(table.name, table.about, table.columns(study)) for table in TABLES.values()]
    context = frame(request, study, "data", tables=tables, conventions=CONVENTIONS)
    return render(request, "researcher/codebook.html", context)


def _filename(study: Study, kind: str) -> str:
    return f"{study.slug}-{kind}-{timezone.localdate():%Y-%m-%d}.csv"
