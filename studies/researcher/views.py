"""Pages and files for researchers, beside the admin."""

from __future__ import annotations

import uuid

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studies.exports.codebook import CONVENTIONS, codebook_rows, write_codebook
from studies.exports.columns import columns_of
from studies.exports.trials import stream_trials
from studies.models import Study, Track
from studies.researcher.access import researcher_with
from studies.researcher.overview import overview
from studies.researcher.site import allow_alpine
from studies.talk.listening import serve_track


@require_safe
@never_cache
@researcher_with("studies.view_study", "studies.view_take")
def now(request: HttpRequest) -> HttpResponseBase:
    """The part of the start page that keeps itself up to date."""
    return render(request, "researcher/now.html", {"overview": overview()})


@require_safe
@researcher_with("studies.view_take")
def researcher_track(request: HttpRequest, take_id: uuid.UUID, kind: str) -> HttpResponseBase:
    """One track of a take; every read is logged."""
    track = get_object_or_404(Track.objects.select_related("take__trial__session"), take_id=take_id, kind=kind)
    response: HttpResponseBase = serve_track(request, track, request.user.get_username())
    return response


@require_safe
@never_cache
@researcher_with("studies.view_study", "studies.view_trial")
def trials_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """All trials of a study, one a row, streamed."""
    study = get_object_or_404(Study, slug=slug)
    if not isinstance(request.user, User):
        raise Http404
    response = StreamingHttpResponse(stream_trials(study, request.user), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_filename(study, "trials")}"'
    return response


@require_safe
@researcher_with("studies.view_study")
def codebook_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """What every column of trials.csv means, as a table to keep beside it."""
    study = get_object_or_404(Study, slug=slug)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_filename(study, "codebook")}"'
    write_codebook(response, columns_of(study))
    return response


@require_safe
@allow_alpine
@researcher_with("studies.view_study")
def codebook(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The same as a page."""
    study = get_object_or_404(Study, slug=slug)
    context = admin.site.each_context(request) | {
        "title": f"Codebook of {study}",
        "study": study,
        "rows": codebook_rows(columns_of(study)),
        "conventions": CONVENTIONS,
    }
    return render(request, "researcher/codebook.html", context)


def _filename(study: Study, kind: str) -> str:
    return f"{study.slug}-{kind}-{timezone.now():%Y-%m-%d}.csv"
