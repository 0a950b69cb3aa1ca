"""Pages and files for researchers, beside the admin."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studies.exports.codebook import CONVENTIONS, write_codebook
from studies.exports.tables import TABLES, stream
from studies.models import Study, Track
from studies.researcher.access import allow_alpine, researcher_with
from studies.researcher.design.asked import frame
from studies.researcher.overview import overview
from studies.talk.byte_ranges import serve_track


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
def table_csv(request: HttpRequest, slug: str, table: str) -> HttpResponseBase:
    """One of the study's tables, streamed."""
    study = get_object_or_404(Study, slug=slug)
    if not isinstance(request.user, User):
        raise Http404
    pieces = stream(study, TABLES[table], request.user)
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_filename(study, table)}"'
    return response


@require_safe
@researcher_with("studies.view_study")
def codebook_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """What every column of every table means, to keep beside them."""
    study = get_object_or_404(Study, slug=slug)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_filename(study, "codebook")}"'
    write_codebook(response, study)
    return response


@require_safe
@allow_alpine
@researcher_with("studies.view_study")
def codebook(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The same as a page."""
    study = get_object_or_404(Study, slug=slug)
    tables = [(table.name, table.about, table.columns(study)) for table in TABLES.values()]
    context = frame(request, study, "data", tables=tables, conventions=CONVENTIONS)
    return render(request, "researcher/codebook.html", context)


def _filename(study: Study, kind: str) -> str:
    return f"{study.slug}-{kind}-{timezone.localdate():%Y-%m-%d}.csv"
