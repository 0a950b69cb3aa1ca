"""Recruitment services: how they name the person they send, and how that person gets back with a code.

| Service  | Names the person by                        | Way back                                                |
|----------|--------------------------------------------|---------------------------------------------------------|
| generic  | the parameter that the study names         | the study's return address, if it gives one             |
| prolific | PROLIFIC_PID (with STUDY_ID, SESSION_ID)   | Prolific's own address with the code                    |
| sona     | survey_code                                | the study's return address, once finished: it is credit |
| mturk    | workerId (with assignmentId, hitId)        | none: the code is pasted into the task                  |
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
"""What services with identifiers of their own send; not the placeholder of a link that was set up wrong."""


WRONG: Final = _(
    "The link you opened is not complete: who you are does not stand in it as it should. Please open "
    "the study from where you found it, and tell the research team if this comes again."
)


@dataclass(frozen=True, slots=True)
class WayBack:
    """What somebody hands in, and where. Either may be empty."""

    code: str
    address: str
    service: str


class Service:
    """A service that gives its own names to its parameters."""

    label: ClassVar[str]
    person: ClassVar[str]
    others: ClassVar[tuple[str, ...]] = ()

    def arrival(self, name: str, recruiter: Recruiter, query: Mapping[str, str]) -> Arrival:
        """Raises ArrivalRefused."""
        person = self.person_parameter(recruiter)
        wanted = (person, *self.others)
        given = {key: str(query[key]).strip() for key in wanted if query.get(key, "").strip()}
        if person not in given:
            raise ArrivalRefused(
                _("The link you opened does not say who you are. Please open the study from where you found it.")
            )
        for value in given.values():
            self.check(value)
        return Arrival(name, given[person], given)

    def person_parameter(self, recruiter: Recruiter) -> str:
        return self.person

    def check(self, value: str) -> None:
        """Raises ArrivalRefused for what cannot be a name of this service's."""
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
        """A return address that says no code would call every ending a completion."""
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
                _("You are looking at a preview of this task. Accept it on Mechanical Turk first, then open it again."),
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
    """Who is coming by a link with these parameters (all that it says of each, where there are several); None for a
    study that nobody is sent to. Raises ArrivalRefused, also where a link says two things of one person."""
    service = SERVICES.get(recruiter.service)
    if service is None:
        return None
    said = {key: {value} if isinstance(value, str) else set(value) for key, value in query.items()}
    if any(len(said.get(key, ())) > 1 for key in (service.person_parameter(recruiter), *service.others)):
        raise ArrivalRefused(WRONG)
    once = {key: next(iter(values)) for key, values in said.items() if values}
    return service.arrival(recruiter.service, recruiter, once)


def is_sent(recruiter: Recruiter, query: Mapping[str, Any]) -> bool:
    """Whether a link says anything of who is coming."""
    service = SERVICES.get(recruiter.service)
    return service is not None and any(key in query for key in (service.person_parameter(recruiter), *service.others))


def way_back(recruiter: Recruiter, ending: Ending, *, code: str = "", person: str = "") -> WayBack | None:
    """`code`: what stands for this ending where the study names none. `person`: as the service named them. None where
    nobody sent them and there is no code."""
    code = getattr(recruiter.codes, ending) or code
    service = SERVICES.get(recruiter.service)
    address = service.address(recruiter, ending, code, person) if service is not None else ""
    label = service.label if service is not None else ""
    return WayBack(code, address, label) if code or address or label else None


def to_return(recruiter: Recruiter) -> WayBack | None:
    """Of a task that stays undone; None where nobody waits for it."""
    service = SERVICES.get(recruiter.service)
    return WayBack("", "", service.label) if service is not None and service.label else None


def filled(url: str, code: str, person: str) -> str:
    """An address with its placeholders filled in; empty where what belongs there is not known."""
    values = {"{code}": code, "{person}": person}
    if any(name in url and not value for name, value in values.items()):
        return ""
    for name, value in values.items():
        url = url.replace(name, quote(value, safe=""))
    return url
