"""The page from which a study is opened, paused and closed, with the links for participants."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

import qrcode
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from qrcode.image.svg import SvgPathFillImage

from studies.entrance import mode_link
from studies.errors import ProtocolError
from studies.models import Session, Study
from studies.participant.arriving.recruiters import SERVICES
from studies.protocol.schema import Protocol
from studies.publish import open_study, proposed_retention, protocol_of
from studies.researcher.access import allow_alpine, researcher_with
from studies.researcher.design.asked import frame
from studies.talk.live.watch import look_now
from studies.talk.workers.availability import unserved

MOVES = {
    Study.State.DRAFT: ("open",),
    Study.State.OPEN: ("pause", "close"),
    Study.State.PAUSED: ("open", "close"),
    Study.State.CLOSED: ("open",),
}
STATES = {"pause": Study.State.PAUSED, "close": Study.State.CLOSED}
DONE = {
    "open": "{} is open. People can take part at its link.",
    "pause": "{} is paused. Sessions in progress wait, and nobody can begin.",
    "close": "{} is closed.",
}
RECRUITER_PARAMETERS = {
    "prolific": "PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}",
    "sona": "survey_code=%SURVEY_CODE%",
}
"""The parameters of the study's link, with the placeholders that each service fills in."""
EXTERNAL_QUESTION = """\
<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd">
  <ExternalURL>{url}</ExternalURL>
  <FrameHeight>0</FrameHeight>
</ExternalQuestion>
"""
"""What CreateHIT takes as its Question; with a height of 0 the frame is as high as the window."""


@require_safe
@never_cache
@allow_alpine
@researcher_with("studies.view_study")
def share(request: HttpRequest, slug: str) -> HttpResponseBase:
    study = get_object_or_404(Study, slug=slug)
    return _page(request, study)


@require_POST
@never_cache
@allow_alpine
@researcher_with("studies.change_study")
def move(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Changes the state of a study: POST {to: open, pause or close}; open also takes ethics_reference and
    retention_until."""
    study = get_object_or_404(Study, slug=slug)
    step = request.POST.get("to", "")
    if step not in MOVES[Study.State(study.state)]:
        messages.error(
            request, f"{study} is {study.get_state_display().lower()}; this step is not possible from there."
        )
        return redirect("design_share", study.slug)
    if step == "open":
        problem = _open(study, request.POST.get("ethics_reference", ""), request.POST.get("retention_until", ""))
        if problem:
            messages.error(request, problem)
            study.refresh_from_db()
            return _page(request, study, given=request.POST.dict(), status=422)
    else:
        study.state = STATES[step]
        study.save(update_fields=["state"])
        look_now()  # talks of a closed study end
    messages.success(request, DONE[step].format(study))
    return redirect("design_share", study.slug)


@require_safe
@researcher_with("studies.view_study")
def qr(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Returns the participants' link as a QR code for printing."""
    study = get_object_or_404(Study, slug=slug)
    response = HttpResponse(qr_svg(request.build_absolute_uri(study.get_absolute_url())), content_type="image/svg+xml")
    response["Content-Disposition"] = f'attachment; filename="{study.slug}-qr.svg"'
    return response


def _open(study: Study, ethics_reference: str, until: str) -> str:
    """Opens a study. Returns a message that says why it could not be opened, or an empty text."""
    if study.current_version is None:
        return "Publish the protocol before opening the study."
    reference = ethics_reference.replace("\x00", "").strip()
    if not reference:
        return "Give the reference number of the ethics approval, or state why none is needed."
    try:
        day = parse_date(until)
    except ValueError:
        day = None
    if day is None:
        return "Give the day until which recordings are kept, such as 2027-12-31."
    if day < timezone.localdate():
        return f"{day.isoformat()} is in the past: recordings would be erased immediately. Give a later day."
    try:
        open_study(study, ethics_reference=reference, retention_until=day)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _page(
    request: HttpRequest, study: Study, *, given: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    protocol = _protocol(study)
    proposed = study.retention_until or (proposed_retention(protocol, timezone.localdate()) if protocol else None)
    given = given or {}
    page = request.build_absolute_uri(study.get_absolute_url())
    by_itself = protocol is not None and protocol.recruiter.service == "none"
    context = {
        "version": study.current_version,
        "protocol": protocol,
        "unserved": unserved([study]).get(study.pk, []),
        "moves": MOVES[Study.State(study.state)],
        "ethics_reference": given.get("ethics_reference", study.ethics_reference),
        "retention_until": given.get("retention_until", proposed.isoformat() if proposed else ""),
        "links": links_of(request, study, protocol) if protocol is not None else [],
        "question": question_of(page, protocol) if protocol is not None else "",
        "qr": qr_svg(request.build_absolute_uri(study.get_absolute_url())) if by_itself else "",
    }
    return render(
        request, "researcher/design/share.html", frame(request, study, "design_share", **context), status=status
    )


def _protocol(study: Study) -> Protocol | None:
    try:
        return protocol_of(study.current_version) if study.current_version is not None else None
    except ProtocolError:
        return None


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a study. `about` says whom it is for and what it leads to."""

    name: str
    url: str
    about: str


def links_of(request: HttpRequest, study: Study, protocol: Protocol) -> list[Link]:
    """Returns the links of a study.

    If participants come by a recruitment service, the plain link would not admit anybody and is left out."""
    page = request.build_absolute_uri(study.get_absolute_url())
    service = protocol.recruiter.service
    if service in RECRUITER_PARAMETERS:
        about = "Paste it unchanged where the service asks for the address of the study; the service fills in the rest."
        first = Link(SERVICES[service].label, f"{page}?{RECRUITER_PARAMETERS[service]}", about)
    elif service == "mturk":
        about = (
            "Use it unchanged: Mechanical Turk appends the ID of the person who opens it. "
            "It works from a task of the type ExternalQuestion."
        )
        first = Link(SERVICES[service].label, page, about)
    elif service == "generic":
        about = "Add each participant’s ID after the =. Without an ID the study does not begin."
        first = Link("Recruiter", f"{page}?{protocol.recruiter.parameter}=", about)
    else:
        first = Link("Participants", page, "For everybody. Each person who opens it begins a separate session.")
    pilot = request.build_absolute_uri(mode_link(study, Session.Mode.PILOT))
    about = "For trial runs, for 30 days, also before the study opens. The data are marked and do not count."
    return [first, Link("Pilot", pilot, about)]


def question_of(page: str, protocol: Protocol) -> str:
    """The question of a task on Mechanical Turk, as XML; "" for other services."""
    return EXTERNAL_QUESTION.format(url=escape(page)) if protocol.recruiter.service == "mturk" else ""


def qr_svg(url: str) -> SafeString:
    """Returns a QR code as SVG. It is dark on light in every theme, as cameras expect."""
    code = qrcode.make(url, image_factory=SvgPathFillImage, box_size=10, border=2)
    return SafeString(code.to_string(encoding="unicode"))
