"""The JSON views for the talk page's requests, the inference workers' reports and the health of this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from inference.contract.errors import TokenError
from studies.errors import ReportRefused, TakeRefused
from studies.models import InferenceWorker, Session, Take, Track, Trial
from studies.publish import session_protocol
from studies.talk import takes
from studies.talk.byte_ranges import serve_track
from studies.talk.registry import RUNNING
from studies.talk.workers import reports
from studies.talk.workers.needs import needs_of

BACK_WITHIN_SEC: Final = 60
MAX_HEARTBEAT_BYTES: Final = 262_144
STATUS_CODES: Final = {"no_consent": 403, "no_worker": 503, "disk_full": 503}

View = Callable[..., HttpResponse]


def refusals_as_json(view: View) -> View:
    """Answers TakeRefused with {"code", "message"} and status 409, unless STATUS_CODES names another."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except TakeRefused as refusal:
            status = STATUS_CODES.get(refusal.code, 409)
            return JsonResponse({"code": refusal.code, "message": str(refusal)}, status=status)

    return checked


@require_POST
@never_cache
@refusals_as_json
def create_take(request: HttpRequest, token: str, position: int) -> HttpResponse:
    """Starts a take of a trial and issues the first ticket for its socket.

    It refuses an older tab, which its `epoch` reveals, and a talk of a fixed plan that has already taken place."""
    trial = get_object_or_404(
        Trial.objects.select_related("session__version__study", "condition", "prompt"),
        session__token=token,
        position=position,
    )
    if not trial.session.live_tab(request.GET.get("epoch", trial.session.epoch)):
        raise TakeRefused(
            "another_tab", _("Nothing was started here. Your session continues where you opened it last.")
        )
    if trial.take is not None and session_protocol(trial.session).kind != "explore":
        raise TakeRefused("talk_done", _("You have already completed this conversation. What was said in it is saved."))
    return open_take(trial)


def open_take(trial: Trial, asked_from: Take | None = None) -> JsonResponse:
    """Starts a take and returns its addresses and the first ticket. `asked_from` is the take whose question is asked
    again, if any. Raises TakeRefused."""
    takes.may_talk(trial, begins=True)
    # a worker that has just died will soon be back, and the relay waits for it
    if not reports.is_served(needs_of(trial), BACK_WITHIN_SEC):
        raise TakeRefused("no_worker", _("This conversation is not available right now. Please try again in a moment."))
    if shutil.disk_usage(settings.JOURNAL_DIR).free < settings.JOURNAL_MIN_FREE_BYTES:
        raise TakeRefused("disk_full", _("There is no space left for recordings. Please tell the research team."))
    take = takes.start_take(trial, asked_from)
    token = trial.session.token
    addresses = {name: reverse(name, args=[token, take.pk]) for name in ("issue_ticket", "take_status")}
    answer = {
        "take": str(take.pk),
        "socketUrl": f"/ws/talk/{take.pk}/",
        "ticketUrl": addresses["issue_ticket"],
        "statusUrl": addresses["take_status"],
        "ticket": takes.issue_ticket(take),
        "limitMs": take.limit_ms,
        "graceMs": settings.RECONNECT_GRACE_SEC * 1_000,
    }
    return JsonResponse(answer, status=201)


@require_POST
@never_cache
@refusals_as_json
def issue_ticket(request: HttpRequest, token: str, take_id: UUID) -> HttpResponse:
    """Issues a ticket with which a page can reconnect to a take."""
    return JsonResponse({"ticket": takes.issue_ticket(_take(token, take_id))})


@require_safe
@never_cache
def take_status(request: HttpRequest, token: str, take_id: UUID) -> HttpResponse:
    """Returns whether a take is over and filed, where there is something to hear in its tracks (in seconds), and what
    was said in it."""
    take = _take(token, take_id)
    spoken = take.utterances.filter(discarded=False)
    return JsonResponse(
        {
            "state": take.state,
            "outcome": take.outcome,
            "filed": take.state == Take.State.FINAL,
            "error": take.filing_note,
            "audible": {track.kind: track.audible_sec for track in take.tracks.all()},
            "transcript": [
                {"role": words.role, "text": words.text, "start_ms": words.start_ms} for words in spoken if words.text
            ],
        }
    )


def participant_track(request: HttpRequest, token: str, take_id: UUID, kind: str) -> HttpResponse:
    """Serves one track of a take to its own participant, until they withdraw."""
    track = get_object_or_404(
        Track.objects.exclude(take__trial__session__state=Session.State.WITHDRAWN),
        take_id=take_id,
        take__trial__session__token=token,
        kind=kind,
    )
    return serve_track(request, track, "participant")


@csrf_exempt
@require_POST
def heartbeat(request: HttpRequest) -> HttpResponse:
    """Takes a signed report from an inference worker."""
    if int(request.headers.get("Content-Length") or 0) > MAX_HEARTBEAT_BYTES:
        return JsonResponse({"code": "too_long"}, status=413)
    try:
        reports.record_heartbeat(request.body.decode("latin-1"))
    except ReportRefused as refusal:
        return JsonResponse({"code": "invalid_report", "message": str(refusal)}, status=400)
    except TokenError as error:
        return JsonResponse({"code": error.code, "message": str(error)}, status=403)
    return HttpResponse(status=204)


@require_safe
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """Answers 200 while people can talk and be recorded, and otherwise 503 with the problems."""
    wrong = []
    fresh = 0
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        since = timezone.now() - timedelta(seconds=settings.WORKER_STALE_SEC)
        fresh = InferenceWorker.objects.filter(seen_at__gte=since).count()
        if not fresh:
            wrong.append("no inference worker")
    except Error:
        wrong.append("database")
    free_bytes = shutil.disk_usage(settings.JOURNAL_DIR).free
    if free_bytes < settings.JOURNAL_MIN_FREE_BYTES:
        wrong.append("disk")
    state = {"workers": fresh, "talks": len(RUNNING), "free_mb": free_bytes // 1_000_000, "wrong": wrong}
    return JsonResponse(state, status=503 if wrong else 200)


def _take(token: str, take_id: UUID) -> Take:
    """Returns the take if it belongs to the session with this token; raises Http404 otherwise."""
    return get_object_or_404(
        Take.objects.select_related("trial__session__version__study", "trial__condition"),
        pk=take_id,
        trial__session__token=token,
    )
