"""How somebody comes to a study: by its public link, by that of a recruitment service, or by one that a researcher made
for a pilot, a preview or a bot. Only the server can make the latter, and read who the service's link names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse

from studies.errors import SealBroken
from studies.models import ProtocolVersion, Session, Study
from studies.sealing import seal, unseal

PARAMETER: Final = "entry"
DAY_SEC: Final = 86_400
MAX_AGE_SEC: Final = {
    Session.Mode.LIVE: DAY_SEC,
    Session.Mode.PILOT: 30 * DAY_SEC,
    Session.Mode.PREVIEW: DAY_SEC,
    Session.Mode.BOT: DAY_SEC,
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who somebody is to the recruitment service that sent them. `parameters` are all that it sent, `person` among
    them."""

    service: str
    person: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entrance:
    """`version`: None for the newest published one."""

    mode: str = Session.Mode.LIVE
    version: int | None = None
    arrival: Arrival | None = None

    def sealed(self, study: Study) -> str:
        """As it stands in an address."""
        content: dict[str, Any] = {"study": study.pk, "mode": self.mode, "version": self.version}
        if self.arrival is not None:
            content["arrival"] = [self.arrival.service, self.arrival.person, dict(self.arrival.parameters)]
        return seal(content)

    def link(self, study: Study) -> str:
        """Its address on this server."""
        return f"{reverse('welcome', args=[study.slug])}?{PARAMETER}={self.sealed(study)}"


def unsealed(text: str, study: Study) -> Entrance:
    """Raises SealBroken for what is not ours, is of another study, or too old."""
    content = unseal(text)
    if content.get("study") != study.pk or content.get("mode") not in MAX_AGE_SEC:
        raise SealBroken
    unseal(text, MAX_AGE_SEC[Session.Mode(content["mode"])])
    arrival = Arrival(*content["arrival"]) if content.get("arrival") else None
    return Entrance(content["mode"], content["version"], arrival)


def mode_link(study: Study, mode: str, version: ProtocolVersion | None = None) -> str:
    """Address (path and query) by which anyone who has it begins a visit of this mode: a pilot for 30 days, a preview
    or a bot for one. `version` may be one that is not published; without it, the newest published one."""
    return Entrance(mode, version.pk if version is not None else None).link(study)
