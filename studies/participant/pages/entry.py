"""From the start page to the first trial: welcome, consent, device check, and coming back by link."""

from __future__ import annotations

import json
from typing import Any

from django.core.signing import BadSignature, Signer
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from studies.models import Session, Study
from studies.models.session import new_token
from studies.participant import enrol
from studies.participant.access import TAKEN_OVER, frame, go_on, is_live_tab, not_open, session_page, take_over
from studies.participant.forms import ConsentForm
from studies.preview.hearing import hearing_of
from studies.publish import protocol_of

PLACE = Signer(salt="studies.participant.place")
MAX_DEVICE_CHARACTERS = 20_000


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """What this is, and the demo studies that are open."""
    demos = Study.objects.filter(is_demo=True, state=Study.State.OPEN).order_by("title")
    cards = [(study, protocol_of(version)) for study in demos if (version := study.current_version)]
    return render(request, "participant/start.html", {"cards": cards})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, slug: str) -> HttpResponse:
    """What the study is about. The form carries the link of the session to be, so that sending it twice makes one."""
    study = get_object_or_404(Study.objects.exclude(state=Study.State.DRAFT), slug=slug)
    version = study.current_version
    if version is None:
        raise Http404
    if study.state != Study.State.OPEN:
        return not_open(request, study)
    if request.method == "POST":
        try:
            token = PLACE.unsign(request.POST.get("place", ""))
        except BadSignature:
            return redirect(study)
        return go_on(enrol.begin(version, token))
    context = {"study": study, "protocol": protocol_of(version), "place": PLACE.sign(new_token())}
    return render(request, "participant/welcome.html", context)


@require_GET
@session_page()
def resume(request: HttpRequest, session: Session) -> HttpResponse:
    """The link to keep: whoever opens it goes on here, and tabs opened before no longer count."""
    take_over(session)
    return go_on(session)


@require_GET
@session_page()
def next_step(request: HttpRequest, session: Session) -> HttpResponse:
    """Onward in the same tab."""
    return go_on(session)


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def consent(request: HttpRequest, session: Session) -> HttpResponse:
    """The document and one box a purpose; agreeing plans the session, declining ends it."""
    if session.consent("participate") is not None:
        return go_on(session)
    protocol = protocol_of(session.version)
    form = ConsentForm(protocol.consent, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if request.POST.get("decision") == "decline":
            enrol.decline(session)
            return redirect("resume", session.token)
        if form.is_valid():
            if is_live_tab(request, session):
                enrol.agree(session, form.granted)
                return go_on(session)
            form.add_error(None, TAKEN_OVER)
    context = frame(request, session, form=form, protocol=protocol)
    return render(request, "participant/consent.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def check(request: HttpRequest, session: Session) -> HttpResponse:
    """Microphone and headphones; `device` is what the browser measured, as a JSON object."""
    if session.consent("record") is None:
        return go_on(session)
    error = ""
    if request.method == "POST":
        device = _device(request.POST.get("device", ""))
        if device is not None:
            session.device = device
            session.checked_at = timezone.now()
            session.save(update_fields=["device", "checked_at", "seen_at"])
            return go_on(session)
        error = "The result of the check did not arrive as it should. Please run it once more."
    config = {
        "capture": capture_settings(session),
        "previewUrl": preview_url(session),
        "previewVoices": len(hearing_of(session).voices),
    }
    context = frame(request, session, check_config=config, error=error)
    return render(request, "participant/check.html", context, status=422 if error else 200)


def preview_url(session: Session) -> str:
    """Of the socket that gives a sentence back in another voice (see `hearmeout_site.asgi`)."""
    return f"/ws/p/{session.token}/preview/"


def capture_settings(session: Session) -> dict[str, bool]:
    """What the study asks of the browser's capture, in the browser's own names."""
    audio = protocol_of(session.version).audio
    return {
        "echoCancellation": audio.echo_cancellation,
        "noiseSuppression": audio.noise_suppression,
        "autoGainControl": audio.auto_gain_control,
    }


def _device(text: str) -> dict[str, Any] | None:
    """The measured device; None when it is no JSON object, or far longer than one needs to be."""
    if len(text) > MAX_DEVICE_CHARACTERS:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
