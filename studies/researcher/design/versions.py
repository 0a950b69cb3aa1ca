"""Publishes a draft, and shows the published versions of a study: lists them, exports them as files, and compares them
by field and by line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Final, Literal

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from studies.errors import ProtocolError
from studies.models import ProtocolVersion, Session, Study, StudyDraft
from studies.protocol.diff import Change, changes
from studies.protocol.reading import yaml_text
from studies.protocol.reading.document import to_yaml
from studies.protocol.schema import Protocol
from studies.publish import protocol_of, publish
from studies.researcher.access import allow_alpine, researcher_with
from studies.researcher.design.asked import frame
from studies.researcher.design.writing import drafts
from studies.researcher.design.writing.checking import Report, report_on
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
    pairs = list(zip_longest(listed, listed[1:]))
    return render(request, "researcher/design/versions.html", frame(request, study, "design_versions", pairs=pairs))


@require_safe
@never_cache
@allow_alpine
@researcher_with("studies.view_study")
def compare(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Shows what changed between the version `since` (by default the previous one) and this one."""
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
    """Returns a version as a YAML file, which has the same hash wherever it is imported."""
    version = get_object_or_404(published(get_object_or_404(Study, slug=slug)), number=number)
    response = HttpResponse(text_of(version), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-v{number}.yaml"'
    response["X-Protocol-SHA256"] = version.sha256
    return response


def published(study: Study) -> QuerySet[ProtocolVersion]:
    return study.versions.filter(published_at__isnull=False)


AROUND: Final = 3
"""Number of unchanged lines that are shown around a change."""
LONGEST: Final = 240


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a comparison. The text of a `gap` says how many unchanged lines are left out."""

    kind: Literal["same", "added", "removed", "gap"]
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """One change of a field at `path`. `old` or `new` is empty if there was or is no value."""

    path: str
    kind: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes between two protocols, by field and by line.

    `parts` is None if the schema of one of them is not supported, or if there was no version before."""

    parts: list[Part] | None
    lines: list[Line]


def changes_to(protocol: Protocol, before: ProtocolVersion | None) -> Changes:
    """Returns the changes from a version (None: from an empty text) to a protocol."""
    old = _protocol(before) if before is not None else None
    parts = [_part(change) for change in changes(old, protocol)] if old is not None else None
    return Changes(parts, lines_between(text_of(before) if before is not None else "", to_yaml(protocol)))


def changes_between(before: ProtocolVersion, after: ProtocolVersion) -> Changes:
    """Returns the changes from one version to another."""
    protocol = _protocol(after)
    if protocol is not None:
        return changes_to(protocol, before)
    return Changes(None, lines_between(text_of(before), text_of(after)))


def lines_between(before: str, after: str) -> list[Line]:
    """Returns the changed lines with AROUND unchanged ones around them; empty if nothing differs."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[Line] = []
    reached = 0
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND):
        lines += _gap(group[0][1] - reached)
        for kind, old_start, old_end, new_start, new_end in group:
            if kind == "equal":
                lines += [Line("same", text) for text in old[old_start:old_end]]
            else:
                lines += [Line("removed", text) for text in old[old_start:old_end]]
                lines += [Line("added", text) for text in new[new_start:new_end]]
            reached = old_end
    return lines + _gap(len(old) - reached) if lines else []


def _gap(count: int) -> list[Line]:
    return [Line("gap", f"{count} unchanged line{'' if count == 1 else 's'}")] if count else []


def _protocol(version: ProtocolVersion) -> Protocol | None:
    try:
        return protocol_of(version)
    except ProtocolError:
        return None


def _part(change: Change) -> Part:
    if change.kind == "moved":
        return Part(change.path, "moved", f"place {change.old}", f"place {change.new}")
    return Part(change.path, change.kind, _short(change.old), _short(change.new))


def _short(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else _said(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _said(value: Any) -> str:
    return yaml_text.write(value).strip() if isinstance(value, dict) else json.dumps(value, ensure_ascii=False)


CHANGED = "The draft was changed after you opened this page, so nothing was published. This is its present text."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allow_alpine
@researcher_with("studies.change_study")
def publishing(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Shows what publishing would change. POST {revision} publishes the draft if its revision is still the one that was
    shown."""
    study = get_object_or_404(Study, slug=slug)
    draft = drafts.draft_of(study)
    report = report_on(draft.text, study)
    if request.method == "POST":
        if request.POST.get("revision") != str(draft.revision):
            messages.error(request, CHANGED)
        elif (version := _publish(study, draft, report)) is not None:
            messages.success(
                request, f"{version} is published. Sessions in progress continue with the version they began with."
            )
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
    """Publishes a draft. Returns None if it cannot be published; the page then says why."""
    if report.protocol is None or report.obstacles:
        return None
    try:
        with transaction.atomic():
            version = publish(study, report.protocol)
            if study.title != report.protocol.title:
                study.title = report.protocol.title
                study.save(update_fields=["title"])
    except ProtocolError:  # A target voice was withdrawn meanwhile; the page is built again and says so.
        return None
    return version
