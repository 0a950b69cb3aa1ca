"""Pages on which participants arrive: the start page, the welcome page of a study, and the link to a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from studies.entrance import DAY_SEC, PARAMETER, Entrance, unsealed
from studies.errors import ArrivalRefused, ProtocolError, SealBroken
from studies.languages import own_name
from studies.models import ProtocolVersion, Session, Study
from studies.models.session import new_token
from studies.participant.access import frameable, framed_by, go_on, not_open, session_page, take_over
from studies.participant.arriving import enrol
from studies.participant.arriving.recruiters import arrival_of, is_sent, submit_address, way_back
from studies.participant.arriving.screening import settled_quotas
from studies.participant.language import ASK, activate_language, wanted_languages
from studies.protocol.languages import best_language
from studies.protocol.schema import Protocol
from studies.publish import protocol_of
from studies.sealing import seal, unseal

VISIT: Final = "visit"
"""Name of the cookie that holds the token of a session that was begun without a recruitment service, so that it can be
continued from the welcome page. It is limited to the study's address."""
ENDED_EARLY: Final = (Session.State.SCREENED_OUT, Session.State.QUOTA_FULL)
VISIT_COOKIE_SEC: Final = 6 * 3_600


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo study on the start page. `place` is what its welcome page needs to begin a session."""

    study: Study
    protocol: Protocol
    language: str

    @property
    def place(self) -> str:
        return seal({"study": self.study.pk, "token": new_token()})

    @property
    def language_names(self) -> list[str]:
        return [own_name(tag) for tag in self.protocol.languages]

    @property
    def needs_headphones(self) -> bool:
        """Whether the recordings are listened to so closely that the study tests for headphones."""
        return self.protocol.device_check.headphones is not None


@never_cache
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Shows what this site is, and the demo studies that are open: first the one in which people talk at once."""
    open_demos = Study.objects.filter(is_demo=True, state=Study.State.OPEN).order_by("title")
    wanted = wanted_languages(request)
    demos = [
        Demo(study, _spoken(version, wanted), best_language(protocol_of(version), wanted))
        for study in open_demos
        if (version := study.current_version)
    ]
    explore = next((demo for demo in demos if demo.protocol.kind == "explore"), None)
    context = {"explore": explore, "planned": [demo for demo in demos if demo is not explore]}
    return render(request, "participant/arriving/start.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, slug: str) -> HttpResponse:
    """Shows what the study is about, and begins a session.

    The form contains the token of the future session, so that sending it twice begins only one. The identity that a
    recruitment service gives in the address is read once; the page then redirects to an address in which it is sealed,
    so that only this server can read it."""
    study = get_object_or_404(Study, slug=slug)
    response = _answer(request, study)
    origins = _frame_origins(study)
    return framed_by(response, origins) if origins and not hasattr(response, "_csp_replace") else response


def _answer(request: HttpRequest, study: Study) -> HttpResponse:
    try:
        entrance = unsealed(request.GET[PARAMETER], study) if PARAMETER in request.GET else Entrance()
    except SealBroken as broken:
        return _refused(request, study, _expired() if broken.expired else _incomplete())
    version = _version(study, entrance)
    if version is None:
        raise Http404
    protocol = protocol_of(version)
    try:
        if entrance.arrival is None and (
            entrance.mode == Session.Mode.LIVE or is_sent(protocol.recruiter, request.GET)
        ):
            arrival = arrival_of(protocol.recruiter, dict(request.GET.lists()))
            if arrival is not None and _is_in_frame(request, protocol):
                return _framed(request, study, version, Entrance(entrance.mode, entrance.version, arrival))
            if arrival is not None:
                return _redirect(request, study, Entrance(entrance.mode, entrance.version, arrival))
    except ArrivalRefused as refusal:
        return _refused(request, study, str(refusal.message), is_preview=refusal.is_preview)
    known = enrol.found(study, entrance.mode, entrance.arrival) if entrance.arrival is not None else None
    if known is not None:
        return redirect("resume", known.token)
    before = _visit_before(request, study)
    if before is not None and before.state in ENDED_EARLY:
        return redirect("resume", before.token)
    if entrance.mode == Session.Mode.LIVE:
        if study.state != Study.State.OPEN:
            return not_open(request, study)
        if enrol.no_room(study, settled_quotas(protocol, []), {}):
            return _full(request, study, protocol, entrance)
    elif study.state == Study.State.CLOSED and entrance.mode != Session.Mode.PREVIEW:
        return not_open(request, study)
    if request.method == "POST" and not (before is not None and "from" in request.POST):
        return _begin(request, study, version, entrance)
    return _welcome(request, study, version, entrance, before)


@require_safe
@session_page()
def resume(request: HttpRequest, session: Session) -> HttpResponse:
    """Continues a session by the link that participants are asked to keep. Tabs that were opened before are no longer
    live."""
    take_over(session)
    return go_on(session)


@require_safe
@session_page()
def next_step(request: HttpRequest, session: Session) -> HttpResponse:
    """Redirects to the next page in the same tab."""
    return go_on(session)


def _frame_origins(study: Study) -> list[str]:
    version = study.current_version
    try:
        return protocol_of(version).recruiter.frame_origins if version is not None else []
    except ProtocolError:
        return []


def _is_in_frame(request: HttpRequest, protocol: Protocol) -> bool:
    in_frame = request.headers.get("Sec-Fetch-Dest") == "iframe" or "turkSubmitTo" in request.GET
    return in_frame and bool(protocol.recruiter.frame_origins)


def _framed(request: HttpRequest, study: Study, version: ProtocolVersion, entrance: Entrance) -> HttpResponse:
    """The way out of the frame, in which there is neither a microphone nor a cookie; and for Mechanical Turk the form
    by which the code is handed in."""
    protocol = _spoken(version, wanted_languages(request))
    activate_language(request, best_language(protocol, wanted_languages(request)))
    submit_to = submit_address(protocol.recruiter, request.GET.dict())
    assert entrance.arrival is not None
    assignment = entrance.arrival.parameters.get("assignmentId", "")
    context = {"study": study, "protocol": protocol, "link": entrance.link(study)}
    context |= {"submit_to": submit_to if assignment else "", "assignment": assignment}
    response = render(request, "participant/arriving/framed.html", context)
    return framed_by(response, protocol.recruiter.frame_origins, submit_to=submit_to)


def _begin(request: HttpRequest, study: Study, version: ProtocolVersion, entrance: Entrance) -> HttpResponse:
    try:
        place = unseal(request.POST.get("place", ""), DAY_SEC)
        token = str(place["token"])
    except (SealBroken, KeyError):
        return redirect(request.get_full_path())
    if place.get("study") != study.pk:
        return redirect(request.get_full_path())
    language = best_language(protocol_of(version), [request.POST.get("language", ""), *wanted_languages(request)])
    session = enrol.begin(version, token, mode=entrance.mode, language=language, arrival=entrance.arrival)
    response = go_on(session)
    if entrance.mode == Session.Mode.LIVE and entrance.arrival is None:
        response.set_cookie(
            VISIT,
            session.token,
            max_age=VISIT_COOKIE_SEC,
            path=study.get_absolute_url(),
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    return response


def _welcome(
    request: HttpRequest, study: Study, version: ProtocolVersion, entrance: Entrance, before: Session | None
) -> HttpResponse:
    protocol = _spoken(version, wanted_languages(request))
    language = best_language(protocol, wanted_languages(request))
    activate_language(request, language)
    context = {
        "study": study,
        "protocol": protocol,
        "language": language,
        "languages": [(tag, own_name(tag), _with_language(request, tag)) for tag in protocol.languages],
        "mode": entrance.mode,
        "unfinished": before if before is not None and before.state == Session.State.STARTED else None,
        "place": seal({"study": study.pk, "token": new_token()}),
    }
    response = render(request, "participant/arriving/welcome.html", context)
    return frameable(response) if entrance.mode == Session.Mode.PREVIEW else response


def _version(study: Study, entrance: Entrance) -> ProtocolVersion | None:
    """Returns the version in which a session begins by this entrance, or None if none can begin."""
    if entrance.version is not None:
        return study.versions.filter(pk=entrance.version).first()
    if entrance.mode == Session.Mode.LIVE and study.state == Study.State.DRAFT:
        return None
    return study.current_version


def _visit_before(request: HttpRequest, study: Study) -> Session | None:
    token = request.COOKIES.get(VISIT, "").replace("\x00", "")  # PostgreSQL rejects NUL.
    sessions = Session.objects.filter(version__study=study, mode=Session.Mode.LIVE)
    return sessions.filter(token=token).first() if token and PARAMETER not in request.GET else None


def _spoken(version: ProtocolVersion, wanted: list[str]) -> Protocol:
    return protocol_of(version, best_language(protocol_of(version), wanted))


def _redirect(request: HttpRequest, study: Study, entrance: Entrance) -> HttpResponse:
    """Redirects to the same page at an address that no longer identifies the participant."""
    asked = request.GET.get(ASK)
    return redirect(f"{entrance.link(study)}&{urlencode({ASK: asked})}" if asked else entrance.link(study))


def _with_language(request: HttpRequest, tag: str) -> str:
    kept = {PARAMETER: request.GET[PARAMETER]} if PARAMETER in request.GET else {}
    return f"?{urlencode({**kept, ASK: tag})}"


def _full(request: HttpRequest, study: Study, protocol: Protocol, entrance: Entrance) -> HttpResponse:
    person = entrance.arrival.person if entrance.arrival is not None else ""
    context = {"study": study, "protocol": protocol, "way": way_back(protocol.recruiter, "quota_full", person=person)}
    return render(request, "participant/arriving/quota_full.html", context)


def _refused(request: HttpRequest, study: Study, message: str, *, is_preview: bool = False) -> HttpResponse:
    """Answers a link that does not admit anybody."""
    context = {"study": study, "message": message, "is_preview": is_preview}
    return render(request, "participant/arriving/no_entry.html", context, status=200 if is_preview else 400)


def _expired() -> str:
    return _("This link has expired. Please reopen the study from where you found it, or ask for a new link.")


def _incomplete() -> str:
    return _(
        "This link is damaged, or it was cut off when it was copied. Please open the complete link you were given."
    )
