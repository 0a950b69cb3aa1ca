"""Publishing a draft: what changes, what keeps it from being published, and the button."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from studies.errors import ProtocolError
from studies.models import ProtocolVersion, Study, StudyDraft
from studies.publish import publish
from studies.researcher.access import allow_alpine, researcher_with
from studies.researcher.design.asked import frame
from studies.researcher.design.versions import changes_to
from studies.researcher.design.writing import drafts
from studies.researcher.design.writing.checking import Report, report_on

CHANGED = "The draft was changed after you opened this page, so nothing was published. This is what it says now."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allow_alpine
@researcher_with("studies.change_study")
def publishing(request: HttpRequest, slug: str) -> HttpResponseBase:
    """What publishing would do; POST {revision} does it, if the draft is still the one that was shown."""
    study = get_object_or_404(Study, slug=slug)
    draft = drafts.draft_of(study)
    report = report_on(draft.text, study)
    if request.method == "POST":
        if request.POST.get("revision") != str(draft.revision):
            messages.error(request, CHANGED)
        elif (version := _publish(study, draft, report)) is not None:
            messages.success(request, f"{version} is published. Sessions under way go on with the version they began.")
            return redirect("design_share", study.slug)
    current = study.current_version
    shown = report.as_json()
    context = {
        "draft": draft,
        "report": report,
        "problems": shown["problems"],
        "current": current,
        "changes": changes_to(report.protocol, current) if report.protocol is not None else None,
        "same": current is not None and shown["sha256"] == current.sha256,
        "sha256": shown["sha256"],
        "next_number": (current.number if current is not None else 0) + 1,
        "started": current.sessions.count() if current is not None else 0,
    }
    status = 409 if request.method == "POST" else 200
    return render(
        request, "researcher/design/publish.html", frame(request, study, "design_publish", **context), status=status
    )


def _publish(study: Study, draft: StudyDraft, report: Report) -> ProtocolVersion | None:
    """None where the draft is not fit to be published, which the page then says."""
    if report.protocol is None or report.obstacles:
        return None
    try:
        with transaction.atomic():
            version = publish(study, report.protocol)
            if study.title != report.protocol.title:
                study.title = report.protocol.title
                study.save(update_fields=["title"])
    except ProtocolError:  # a target voice was withdrawn in this moment: the page is made anew and says so
        return None
    return version
