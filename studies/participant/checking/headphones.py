"""Screening for headphones: participants find one of three sounds, and their correct answers are counted.

Huggins pitch: one of three bursts of noise contains a faint tone that arises only if the two ears hear different
signals (Milne et al. 2021, Behavior Research Methods 53, https://doi.org/10.3758/s13428-020-01514-0).
Antiphase: participants choose the quietest of three tones; over loudspeakers, another one cancels itself out
(Woods et al. 2017, Attention, Perception & Psychophysics 79, https://doi.org/10.3758/s13414-017-1361-2).

The sounds are made in the browser from the screening's seed (see `studies.design.headphones`), so somebody who reads
the page's scripts can work out the answers. The page does not contain them, and only the server checks them."""

from __future__ import annotations

import json
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from studies.design.headphones import target_of
from studies.errors import BadReport
from studies.models import Session
from studies.participant.access import frame, go_on, session_page
from studies.participant.refused import refuse, refused_form
from studies.protocol.visit import Headphones
from studies.publish import session_protocol

MAX_ANSWERS_CHARACTERS: Final = 500


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def headphones(request: HttpRequest, session: Session) -> HttpResponse:
    """Takes one attempt: `answers` is a JSON list of 1, 2 and 3, and `attempt` counts from 0.

    With `decision` "skip", a participant who cannot do a listening task skips the screening."""
    asked = session_protocol(session).device_check.headphones
    if asked is None:
        return go_on(session)
    if request.method == "POST":
        if request.POST.get("decision") == "skip":
            skip(session, asked)
            return go_on(session)
        try:
            answers = read_answers(request.POST.get("answers", ""), asked.trials)
            keep_answers(session, asked, _number(request.POST.get("attempt", "")), answers)
            return go_on(session) if screening_of(session, asked)["done"] else redirect("headphones", session.token)
        except BadReport as problem:
            error = _("Your answers did not arrive correctly (%(what)s). Please repeat the test.")
            return refuse(request, [error % {"what": problem}])
    refused = refused_form(request)
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
        error=" ".join(refused.messages) if refused is not None else "",
    )
    return render(request, "participant/checking/headphones.html", context, status=422 if refused is not None else 200)


def _number(text: str) -> int:
    """Reads the number of the attempt. Raises BadReport."""
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise BadReport(_("the number of the attempt is missing or not valid"))
    return int(text)


def screening_of(session: Session, asked: Headphones) -> dict[str, Any]:
    """Returns the state of the screening: `attempts`, and whether it is `done`, `passed` or `skipped`."""
    stored = session.device.get("headphones")
    if isinstance(stored, dict):
        return stored
    seed = salted_hmac("studies.participant.checking.headphones", f"{session.pk}:{session.seed}").hexdigest()[:32]
    return {"method": asked.method, "seed": seed, "attempts": [], "passed": False, "done": False, "skipped": False}


def read_answers(text: str, trials: int) -> list[int]:
    """Reads one answer (1, 2 or 3) for each trial. Raises BadReport."""
    expected = f"expected {trials} answers, each of them 1, 2 or 3"
    try:
        answers = json.loads(text) if len(text) <= MAX_ANSWERS_CHARACTERS else None
    except (ValueError, RecursionError):
        answers = None
    if not isinstance(answers, list) or len(answers) != trials:
        raise BadReport(expected)
    if not all(type(answer) is int and 1 <= answer <= 3 for answer in answers):
        raise BadReport(expected)
    return answers


@transaction.atomic
def keep_answers(session: Session, asked: Headphones, attempt: int, answers: list[int]) -> bool:
    """Scores and stores an attempt. Returns False if `attempt` is not the next one, as when a page is sent again."""
    locked = Session.objects.select_for_update().get(pk=session.pk)
    screening = screening_of(locked, asked)
    attempts = screening["attempts"]
    if screening["done"] or attempt != len(attempts):
        session.device = locked.device
        return False
    correct = sum(answer == target_of(screening["seed"], attempt, trial) for trial, answer in enumerate(answers))
    at = timezone.now().isoformat(timespec="seconds")
    attempts = [*attempts, {"at": at, "correct": correct, "of": len(answers), "answers": answers}]
    passed = correct >= asked.pass_at
    done = passed or len(attempts) >= asked.attempts
    _store(session, locked, {**screening, "attempts": attempts, "passed": passed, "done": done})
    return True


@transaction.atomic
def skip(session: Session, asked: Headphones) -> None:
    """Skips the screening for participants who cannot do a listening task or have no headphones."""
    locked = Session.objects.select_for_update().get(pk=session.pk)
    screening = screening_of(locked, asked)
    if not screening["done"]:
        _store(session, locked, {**screening, "done": True, "skipped": True})


def _store(session: Session, locked: Session, screening: dict[str, Any]) -> None:
    locked.device = {**locked.device, "headphones": screening}
    if locked.state == Session.State.STARTED:  # Nothing is stored for a participant who has withdrawn meanwhile.
        locked.save(update_fields=["device", "seen_at"])
    session.device = locked.device
