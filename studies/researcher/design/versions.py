"""The published versions of a study: listed, compared, written to files."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studies.models import ProtocolVersion, Session, Study
from studies.researcher.access import allow_alpine, researcher_with
from studies.researcher.design.asked import frame
from studies.researcher.design.changes import changes_between
from studies.researcher.design.writing.drafts import text_of


@require_safe
@never_cache
@allow_alpine
@researcher_with("studies.view_study")
def versions(request: HttpRequest, slug: str) -> HttpResponseBase:
    study = get_object_or_404(Study, slug=slug)
    live = Q(sessions__mode=Session.Mode.LIVE)
    counted = published(study).annotate(
        live_count=Count("sessions", filter=live),
        finished_count=Count("sessions", filter=live & Q(sessions__state=Session.State.FINISHED)),
        trial_run_count=Count("sessions", filter=~live),
    )
    listed = list(counted.order_by("-number"))
    pairs = [(version, before) for version, before in zip(listed, [*listed[1:], None], strict=True)]
    return render(request, "researcher/design/versions.html", frame(request, study, "design_versions", pairs=pairs))


@require_safe
@never_cache
@allow_alpine
@researcher_with("studies.view_study")
def compare(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """What changed from the version `since` (the one before, when left out) to this one."""
    study = get_object_or_404(Study, slug=slug)
    after = get_object_or_404(published(study), number=number)
    since = request.GET.get("since", "")
    others = published(study).exclude(pk=after.pk).order_by("-number")
    asked = since.isascii() and since.isdigit() and len(since) < 9
    chosen = (others.filter(number=int(since)) if asked else others.filter(number__lt=number)).first()
    context = {
        "after": after,
        "before": chosen,
        "others": others,
        "changes": changes_between(chosen, after) if chosen is not None else None,
    }
    return render(request, "researcher/design/compare.html", frame(request, study, "design_versions", **context))


@require_safe
@researcher_with("studies.view_study")
def export(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """A version as a file that, imported anywhere, has the identical hash."""
    version = get_object_or_404(published(get_object_or_404(Study, slug=slug)), number=number)
    response = HttpResponse(text_of(version), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-v{number}.yaml"'
    response["X-Protocol-SHA256"] = version.sha256
    return response


def published(study: Study) -> QuerySet[ProtocolVersion]:
    return study.versions.filter(published_at__isnull=False)
