"""The links by which people come to a study, and a QR code of one."""

from __future__ import annotations

from dataclasses import dataclass

import qrcode
from django.http import HttpRequest
from django.utils.safestring import SafeString
from qrcode.image.svg import SvgPathFillImage

from studies.entrance import mode_link
from studies.models import Session, Study
from studies.participant.arriving.recruiters import SERVICES
from studies.protocol.schema import Protocol

RECRUITER_PARAMETERS = {
    "prolific": "PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}",
    "sona": "survey_code=%SURVEY_CODE%",
    "mturk": "workerId=${WORKER_ID}&assignmentId=${ASSIGNMENT_ID}&hitId=${HIT_ID}",
}
"""As each service writes the parameters that it fills in."""


@dataclass(frozen=True, slots=True)
class Link:
    """`about`: who it is for, and what comes of those who use it."""

    name: str
    url: str
    about: str


def links_of(request: HttpRequest, study: Study, protocol: Protocol) -> list[Link]:
    """Where the people of a study come by a service, the link alone would begin nothing, and is not among them."""
    page = request.build_absolute_uri(study.get_absolute_url())
    service = protocol.recruiter.service
    if service in RECRUITER_PARAMETERS:
        about = "Paste it as it is where the service asks for the address of the study; it fills in the rest."
        first = Link(SERVICES[service].label, f"{page}?{RECRUITER_PARAMETERS[service]}", about)
    elif service == "generic":
        about = "Put each person's name or number after the =. Without it the study does not begin."
        first = Link("Recruiter", f"{page}?{protocol.recruiter.parameter}=", about)
    else:
        first = Link("Participants", page, "For everybody. Each person who opens it begins a visit of their own.")
    pilot = request.build_absolute_uri(mode_link(study, Session.Mode.PILOT))
    about = "For trial runs, for 30 days, also before the study opens. The data are marked and do not count."
    return [first, Link("Pilot", pilot, about)]


def qr_svg(url: str) -> SafeString:
    """Dark on light whatever the theme, since cameras want it so."""
    code = qrcode.make(url, image_factory=SvgPathFillImage, box_size=10, border=2)
    return SafeString(code.to_string(encoding="unicode"))
