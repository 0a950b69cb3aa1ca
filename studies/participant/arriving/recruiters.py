"""Recruitment services: how they identify the people they send, and how these people return with a code.

| Service  | Identifies the person by                   | Way back                                                |
|----------|--------------------------------------------|---------------------------------------------------------|
| generic  | the parameter that the study names         | the study's return address, if it gives one             |
| prolific | PROLIFIC_PID (with STUDY_ID, SESSION_ID)   | Prolific's own address with the code                    |
| sona     | survey_code                                | the study's return address, only if completed: it       |
|          |                                            | grants the credit                                       |
| mturk    | workerId (with assignmentId, hitId)        | none: the code is pasted into the task                  |

Prolific and SONA fill in placeholders of the link that they are given. Mechanical Turk appends its parameters to the
link of an ExternalQuestion, turkSubmitTo among them, and shows it in a frame, also as a preview before the task is
accepted. CloudResearch Connect (generic) appends participantId, assignmentId and projectId.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from studies.entrance import Arrival
from studies.errors import ArrivalRefused
from studies.protocol.visit import Recruiter

Ending = Literal["completed", "screened_out", "no_consent", "quota_full"]

MAX_CHARACTERS: Final = 200
CODED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@=+-]*")
"""Identifiers of services that issue their own. Placeholders of a link that was set up wrong do not match."""


PLACEHOLDER: Final = re.compile(r"\$\{[^{}]*\}|\{\{[^{}]*\}\}|%[A-Z_]+%")
"""What stands in a link where a service fills something in, and in an arrival where it has not."""
TURK: Final = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.mturk\.com")

WRONG: Final = _(
    "This link does not contain a valid participant ID. Please reopen the study from where you found it. If this "
    "happens again, please tell the research team."
)


@dataclass(frozen=True, slots=True)
class WayBack:
    """The code that a participant hands in, and the address of the service. Either may be empty."""

    code: str
    address: str
    service: str


class Service:
    """A recruitment service. `person` and `others` are the names of its parameters in the link."""

    label: ClassVar[str]
    person: ClassVar[str]
    others: ClassVar[tuple[str, ...]] = ()

    def arrival(self, name: str, recruiter: Recruiter, query: Mapping[str, str]) -> Arrival:
        """Reads who is coming from the parameters of a link. Raises ArrivalRefused."""
        person = self.person_parameter(recruiter)
        wanted = (person, *self.others)
        given = {key: str(query[key]).strip() for key in wanted if query.get(key, "").strip()}
        if person not in given:
            raise ArrivalRefused(
                _("This link is missing your participant ID. Please reopen the study from where you found it.")
            )
        for value in given.values():
            self.check(value)
        return Arrival(name, given[person], given)

    def person_parameter(self, recruiter: Recruiter) -> str:
        return self.person

    def check(self, value: str) -> None:
        """Raises ArrivalRefused if a value cannot be an identifier of this service."""
        if len(value) > MAX_CHARACTERS or not self.is_name(value):
            raise ArrivalRefused(WRONG)

    def is_name(self, value: str) -> bool:
        return CODED.fullmatch(value) is not None

    def address(self, recruiter: Recruiter, ending: Ending, code: str, person: str) -> str:
        return ""


class Generic(Service):
    label = ""

    def person_parameter(self, recruiter: Recruiter) -> str:
        return recruiter.parameter

    def is_name(self, value: str) -> bool:
        return value.isprintable() and not value.startswith(("{{", "${"))

    def address(self, recruiter: Recruiter, ending: Ending, code: str, person: str) -> str:
        """Returns the address to return to, or an empty text.

        An address without a code cannot tell endings apart, so it is given only to sessions that were completed."""
        url = recruiter.return_url or ""
        if ending != "completed" and not ("{code}" in url and code):
            return ""
        return filled(url, code, person)


class Prolific(Service):
    label = "Prolific"
    person = "PROLIFIC_PID"
    others = ("STUDY_ID", "SESSION_ID")

    def address(self, recruiter: Recruiter, ending: Ending, code: str, person: str) -> str:
        return f"https://app.prolific.com/submissions/complete?cc={quote(code, safe='')}" if code else ""


class Sona(Service):
    label = "SONA"
    person = "survey_code"

    def address(self, recruiter: Recruiter, ending: Ending, code: str, person: str) -> str:
        return filled(recruiter.return_url or "", code, person) if ending == "completed" else ""


class MTurk(Service):
    label = "Mechanical Turk"
    person = "workerId"
    others = ("assignmentId", "hitId")

    def arrival(self, name: str, recruiter: Recruiter, query: Mapping[str, str]) -> Arrival:
        if query.get("assignmentId") == "ASSIGNMENT_ID_NOT_AVAILABLE":
            raise ArrivalRefused(
                _("This is a preview of the task. Accept the task on Mechanical Turk first, then open it again."),
                is_preview=True,
            )
        return super().arrival(name, recruiter, query)


SERVICES: Final[Mapping[str, Service]] = {
    "generic": Generic(),
    "prolific": Prolific(),
    "sona": Sona(),
    "mturk": MTurk(),
}


def arrival_of(recruiter: Recruiter, query: Mapping[str, str | Collection[str]]) -> Arrival | None:
    """Returns who is coming by a link with these parameters, or None for a study without a recruitment service.

    `query` maps each parameter to its value, or to all its values if there are several. Raises ArrivalRefused, also if
    a link gives two different values for one parameter of the service."""
    service = SERVICES.get(recruiter.service)
    if service is None:
        return None
    may_be_blank = recruiter.service == "generic"  # whose link ends in the bare name
    said = {
        key: _filled_in({value} if isinstance(value, str) else set(value), may_be_blank=may_be_blank)
        for key, value in query.items()
    }
    if any(len(said.get(key, ())) > 1 for key in (service.person_parameter(recruiter), *service.others)):
        raise ArrivalRefused(WRONG)
    once = {key: next(iter(values)) for key, values in said.items() if values}
    return service.arrival(recruiter.service, recruiter, once)


def _filled_in(values: set[str], *, may_be_blank: bool) -> set[str]:
    """Of a parameter that stands in the link and is appended by the service as well, what was appended."""
    given = {value.strip() for value in values}
    filled = {value for value in given if (value or not may_be_blank) and not PLACEHOLDER.fullmatch(value)}
    return filled or given


def submit_address(recruiter: Recruiter, query: Mapping[str, str]) -> str:
    """The origin to which a frame on Mechanical Turk hands in the task; "" where it names none of theirs."""
    origin = query.get("turkSubmitTo", "").strip().rstrip("/")
    return origin if recruiter.service == "mturk" and TURK.fullmatch(origin) else ""


def is_sent(recruiter: Recruiter, query: Mapping[str, Any]) -> bool:
    """Whether a link contains any parameter of the study's recruitment service."""
    service = SERVICES.get(recruiter.service)
    return service is not None and any(key in query for key in (service.person_parameter(recruiter), *service.others))


def way_back(recruiter: Recruiter, ending: Ending, *, code: str = "", person: str = "") -> WayBack | None:
    """Returns the code and the address for an ending, or None if there is no service and no code.

    `code` is used if the study sets no code for this ending. `person` is the service's identifier of the person."""
    code = getattr(recruiter.codes, ending) or code
    service = SERVICES.get(recruiter.service)
    address = service.address(recruiter, ending, code, person) if service is not None else ""
    label = service.label if service is not None else ""
    return WayBack(code, address, label) if code or address or label else None


def to_return(recruiter: Recruiter) -> WayBack | None:
    """Returns the way back for somebody who returns the task undone, or None without a service that expects it."""
    service = SERVICES.get(recruiter.service)
    return WayBack("", "", service.label) if service is not None and service.label else None


def filled(url: str, code: str, person: str) -> str:
    """Returns an address with its placeholders filled in, or an empty text if a value for one is missing."""
    values = {"{code}": code, "{person}": person}
    if any(name in url and not value for name, value in values.items()):
        return ""
    for name, value in values.items():
        url = url.replace(name, quote(value, safe=""))
    return url
