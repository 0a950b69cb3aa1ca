"""Target voices for researchers: uploads before they are saved, and recordings to listen to. Every read is logged."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from studies.errors import AudioRefused
from studies.models import TargetVoiceVersion
from studies.researcher.access import researcher_with
from studies.talk.byte_ranges import serve_flac
from studies.voices import drafts
from studies.voices.decoding import MAX_UPLOAD_BYTES, decode_upload

FORM_BYTES: Final = 2**20  # space for the form's other fields

log = structlog.get_logger(__name__)


@require_safe
@researcher_with("studies.view_targetvoiceversion")
def researcher_voice(request: HttpRequest, version_id: int) -> HttpResponseBase:
    """Serves the recording of a voice version. Every read is logged."""
    version = get_object_or_404(TargetVoiceVersion.objects.select_related("voice").exclude(file=""), pk=version_id)
    return serve_flac(
        request,
        str(version.file.name),
        version.sha256,
        name=f"{version.voice.key}-v{version.number}",
        reader=request.user.get_username(),
        target=f"voice {version.voice.key} v{version.number}",
    )


@require_POST
@never_cache
@researcher_with("studies.add_targetvoice")
def upload_draft(request: HttpRequest) -> HttpResponseBase:
    """Decodes and judges an upload (field `audio`), and keeps it until its form is sent.

    Returns 201 with the name of the draft and a report as HTML, or 422 with what is wrong with the file."""
    if int(request.headers.get("Content-Length") or 0) > MAX_UPLOAD_BYTES + FORM_BYTES:
        return _refuse(413, "too_large", f"It is larger than {MAX_UPLOAD_BYTES // 2**20} MB. Choose a short part.")
    audio = request.FILES.get("audio")
    if audio is None or request.user.pk is None:
        return _refuse(400, "no_file", "No file arrived. Choose a file and try again.")
    try:
        reference = decode_upload(audio.chunks())
    except AudioRefused as refusal:
        return _refuse(422, refusal.code, str(refusal))
    draft = drafts.keep(reference, request.user.pk)
    log.info("voice_uploaded", verdict=reference.quality["verdict"], samples=reference.duration_samples)
    report = render_to_string("admin/studies/targetvoice/report.html", drafts.shown(reference, draft), request)
    verdict = reference.quality["verdict"]
    return JsonResponse({"draft": str(draft), "verdict": verdict, "report": report}, status=201)


@require_safe
@never_cache
@researcher_with("studies.add_targetvoice")
def draft_audio(request: HttpRequest, draft: UUID) -> HttpResponseBase:
    """Serves a draft to the researcher who uploaded it."""
    assert request.user.pk is not None  # ensured by researcher_with
    reference = drafts.load(draft, request.user.pk)
    if reference is None:
        return _refuse(404, "no_draft", "This upload has been deleted. Choose the file again.")
    return serve_flac(
        request,
        drafts.flac_name(draft, request.user.pk),
        reference.sha256,
        name="draft",
        reader=request.user.get_username(),
        target="voice draft",
    )


def _refuse(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse({"code": code, "message": message}, status=status)
