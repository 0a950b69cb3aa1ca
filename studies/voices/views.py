"""Serves target voices to inference workers, which hold the secret, without cookies and without names of people."""

from __future__ import annotations

import hmac
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from inference.contract.errors import TokenError
from inference.contract.tokens import VOICE
from studies.models import AccessLog, TargetVoiceVersion
from studies.talk.byte_ranges import serve_flac
from studies.talk.workers.tokens import reader

WORKER: Final = "inference worker"


@require_GET
@never_cache
def worker_voice(request: HttpRequest, sha256: str) -> HttpResponse:
    """Serves a reference recording to an inference worker whose signed token names exactly this file.

    Answers 404 for one that never existed, and 410 with the reason for one that may not be used any more."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        asked = reader().read(VOICE, token if scheme.lower() == "bearer" else "")
    except TokenError as error:
        return _refuse(401, error.code, str(error))
    if not hmac.compare_digest(asked.encode(), sha256.encode()):
        return _refuse(403, "other_voice", "the token is for another voice")
    versions = list(TargetVoiceVersion.objects.filter(sha256=sha256).select_related("voice").order_by("-pk"))
    if not versions:
        return _refuse(404, "unknown_voice", "there is no such voice")
    obstacles = {version: version.obstacle_on(timezone.localdate()) for version in versions}
    usable = next((version for version in versions if not obstacles[version]), None)
    if usable is None:
        return _refuse(410, "voice_unavailable", obstacles[versions[0]])
    target = f"voice {usable.voice.key} v{usable.number}"
    if request.headers.get("If-None-Match") == f'"{sha256}"':
        AccessLog.objects.create(reader=WORKER, action="use", target=target)
    stored = str(usable.file.name)
    return serve_flac(request, stored, sha256, name=usable.voice.key, reader=WORKER, target=target, action="fetch")


def _refuse(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse({"code": code, "message": message}, status=status)
