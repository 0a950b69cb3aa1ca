"""The page of the device check, which measures the microphone, the room, the sound and the connection."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, RawPostDataException
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from studies.errors import BadReport
from studies.models import Session
from studies.participant.access import frame, go_on, session_page
from studies.participant.checking.device import (
    Verdict,
    complete,
    keep_attempt,
    leave,
    may_leave,
    read_report,
)
from studies.participant.refused import refuse, refused_form
from studies.preview.hearing import hearing_of
from studies.protocol.visit import DeviceCheck
from studies.publish import session_protocol


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def check(request: HttpRequest, session: Session) -> HttpResponse:
    """Checks microphone, room, sound and connection. `device` is the browser's report as a JSON object.

    With `decision` "leave", a participant whose device does not meet the requirements ends the session."""
    limits = session_protocol(session).device_check
    if request.method == "POST":
        if request.POST.get("decision") == "leave":
            if leave(session, limits):
                return go_on(session)
            return refuse(request, [_("You have attempts left. Please run the check again.")])
        try:
            verdict = complete(session, read_report(request.POST.get("device", "")), limits)
        except BadReport as error:
            return refuse(request, [_unreadable(error)])
        if not verdict.blocked:
            return go_on(session)
        return refuse(request, [mending()[name] for name in verdict.failed])
    refused = refused_form(request)
    errors = refused.messages if refused is not None else []
    config = {
        "capture": capture_settings(session),
        "previewUrl": preview_url(session),
        "previewVoices": len(hearing_of(session).voices),
        "attemptsUrl": f"{reverse('check_attempt', args=[session.token])}?epoch={session.epoch}",
        "limits": {
            "noise_dbfs": limits.max_noise_dbfs,
            "snr_db": limits.min_snr_db,
            "clipped_percent": limits.max_clipped_percent,
            "round_trip_ms": limits.max_round_trip_ms,
        },
        "onFail": limits.on_fail,
        "mending": mending(),
        "mayLeave": may_leave(session, limits),
        "screened": limits.headphones is not None,
        "sentence": sentence_of(limits),
        "ownSentence": limits.sentence is not None,
    }
    output = refused.fields.get("output", "") if refused is not None else ""
    context = frame(request, session, check_config=config, errors=errors, output=output)
    return render(request, "participant/checking/check.html", context, status=422 if errors else 200)


@require_POST
@session_page()
def attempt(request: HttpRequest, session: Session) -> JsonResponse:
    """Stores one run of the check, a JSON object, and returns the verdict. The page sends every run here."""
    if session.consent("record") is None:
        return JsonResponse({"error": _("You have not agreed to this, or you have withdrawn.")}, status=403)
    try:
        verdict = keep_attempt(session, read_report(_body(request)), session_protocol(session).device_check)
    except BadReport as error:
        return JsonResponse({"error": _unreadable(error)}, status=422)
    return JsonResponse(_as_json(verdict))


def mending() -> dict[str, str]:
    """Describes for the participant what is wrong with each thing that can fail and how to fix it."""
    return {
        "microphone": _(
            "Your microphone picked up nothing. Choose the right microphone, make sure that it is switched on and "
            "not muted, then check again."
        ),
        "noise_dbfs": _(
            "Your surroundings are too loud. Close doors and windows, switch off fans and music, or move to a "
            "quieter room. Then check again."
        ),
        "snr_db": _(
            "Your voice barely stands out from the background noise. Move closer to the microphone, speak up, or "
            "move to a quieter room. Then check again."
        ),
        "clipped_percent": _(
            "Your voice is too loud for the microphone, so the sound is distorted. Move away from the microphone, or "
            "lower its level in your system’s settings. Then check again."
        ),
        "round_trip_ms": _(
            "Your connection to the server is too slow. If you can, use a cable instead of Wi-Fi, and close other "
            "programs, calls and downloads. Then measure again."
        ),
    }


def sentence_of(limits: DeviceCheck) -> str:
    """Returns the sentence that the participant reads aloud."""
    return limits.sentence or _("I would like to plan a short trip, and I don’t know where to go.")


def preview_url(session: Session) -> str:
    """Returns the address of the socket that plays a sentence back in another voice (see `hearmeout_site.asgi`)."""
    return f"/ws/p/{session.token}/preview/"


def capture_settings(session: Session) -> dict[str, bool]:
    """Returns the capture settings that the study requests, as constraints of `getUserMedia`."""
    audio = session_protocol(session).audio
    return {
        "echoCancellation": audio.echo_cancellation,
        "noiseSuppression": audio.noise_suppression,
        "autoGainControl": audio.auto_gain_control,
    }


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {"failed": list(verdict.failed), "blocked": verdict.blocked, "mayLeave": verdict.may_leave}


def _body(request: HttpRequest) -> str:
    """Returns the body as text. Raises BadReport if it is too long or not text."""
    try:
        return request.body.decode()
    except RequestDataTooBig:
        raise BadReport(_("it is far too long")) from None
    except (UnicodeDecodeError, RawPostDataException):  # The latter: a form.
        raise BadReport(_("it is not text in UTF-8")) from None


def _unreadable(error: BadReport) -> str:
    text = _("The result of the check did not arrive correctly (%(what)s). Please run the check again.")
    return text % {"what": error}
