"""Previews of a draft: every page as participants will see it, in a session whose data do not count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from studies.design.arms import arm_count, group_of
from studies.entrance import mode_link
from studies.languages import own_name
from studies.models import Participant, Session, Study
from studies.models.guards import erasing
from studies.models.session import new_token
from studies.participant.arriving import enrol
from studies.participant.preview import bar
from studies.protocol.reading.document import sha256_of
from studies.protocol.schema import Protocol
from studies.publish import SCRATCH, scratch_version
from studies.researcher.access import View, researcher_with
from studies.researcher.design.asked import frame
from studies.researcher.design.writing import drafts
from studies.researcher.design.writing.checking import report_on
from studies.talk.filing.erasure import erase_recordings

# Allows Alpine (see `access.allow_alpine`) and the frame that shows the preview.
allow_alpine_and_frame: Callable[[View], View] = csp_update({"script-src": ["'unsafe-eval'"], "frame-src": ["'self'"]})

MOST_ARMS_LISTED: Final = 200
REMEMBERED: Final = "previews"
"""Key in a researcher's web session under which the id of each study maps to the token of their preview."""


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allow_alpine_and_frame
@researcher_with("studies.change_study")
def preview(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Lists the pages of the draft beside a frame that shows them. POST {language, arm} begins a new preview."""
    study = get_object_or_404(Study, slug=slug)
    report = report_on(drafts.draft_of(study).text, study)
    protocol = report.protocol
    if request.method == "POST" and protocol is not None:
        begun = begin(study, protocol, request.POST.get("language", ""), request.POST.get("arm", ""))
        request.session[REMEMBERED] = {**request.session.get(REMEMBERED, {}), str(study.pk): begun.token}
        return redirect("design_preview", study.slug)
    session = _remembered(request, study, protocol)
    arms = _arms(protocol)
    context = {
        "protocol": protocol,
        "problems": report.as_json()["problems"] if protocol is None else [],
        "obstacles": report.as_json()["problems"] if protocol is not None else [],
        "visit": session,
        "welcome": mode_link(study, Session.Mode.PREVIEW, session.version) if session is not None else "",
        "entries": bar(session) if session is not None else [],
        "languages": [(tag, own_name(tag)) for tag in protocol.languages] if protocol is not None else [],
        "arms": arms,
    }
    return render(request, "researcher/design/preview.html", frame(request, study, "design_preview", **context))


def begin(study: Study, protocol: Protocol, language: str, arm: str) -> Session:
    """Begins a new preview of the draft in the given arm or, if there is no such arm, in one that allocation chooses.

    Previews of earlier states of the draft are erased together with their recordings."""
    clear(study, keep=sha256_of(protocol))
    version = scratch_version(study, protocol)
    spoken = language if language in protocol.languages else ""
    session = enrol.begin(version, new_token(), mode=Session.Mode.PREVIEW, language=spoken)
    if (number := _number(arm)) in dict(_arms(protocol)):
        enrol.plan(session, ready=True, arm=number)
    return session


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def clear(study: Study, *, keep: str = "") -> None:
    """Erases the previews of a study with their recordings, except those of the draft with the hash `keep`."""
    old = Session.objects.filter(version__study=study, version__number=SCRATCH).exclude(version__sha256=keep)
    for session in old:
        erase_recordings(session)
    if old:
        with erasing(by="preview", target=f"previews of {study.slug}"):
            Participant.objects.filter(sessions__in=[session.pk for session in old]).delete()


def _remembered(request: HttpRequest, study: Study, protocol: Protocol | None) -> Session | None:
    """Returns this researcher's preview if it is one of the current draft."""
    token = request.session.get(REMEMBERED, {}).get(str(study.pk), "")
    if protocol is None or not token:
        return None
    sessions = Session.objects.select_related("version__study", "participant").filter(mode=Session.Mode.PREVIEW)
    return sessions.filter(token=token, version__study=study, version__sha256=sha256_of(protocol)).first()


def _arms(protocol: Protocol | None) -> list[tuple[int, str]]:
    """Returns the number and label of each arm that can be chosen. The numbers are those of the export."""
    if protocol is None or protocol.kind == "explore":
        return []
    arms = range(min(arm_count(protocol), MOST_ARMS_LISTED))
    groups = ((arm, group_of(protocol, arm)) for arm in arms)
    return [(arm, f"{arm}, group {group}" if group else str(arm)) for arm, group in groups]
