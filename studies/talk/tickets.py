"""Tickets for the talk socket: signed, short-lived, for one take and one use."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.core import signing
from django.utils.translation import gettext_lazy as _

from studies.errors import TakeRefused

TICKET_TTL_SEC: Final = 30
_SALT = "studies.talk.ticket"


@dataclass(frozen=True, slots=True)
class Ticket:
    """`nonce` is valid while it stands in the take's row, which using it clears."""

    take_id: UUID
    nonce: str


def new_ticket(take_id: UUID) -> tuple[Ticket, str]:
    """A ticket and its signed text."""
    ticket = Ticket(take_id, secrets.token_urlsafe(12))
    return ticket, signing.dumps({"take": str(take_id), "nonce": ticket.nonce}, salt=_SALT)


def read_ticket(text: str) -> Ticket:
    """Raises TakeRefused: ticket_expired, bad_ticket."""
    try:
        fields = signing.loads(text, salt=_SALT, max_age=TICKET_TTL_SEC)
        return Ticket(UUID(fields["take"]), fields["nonce"])
    except signing.SignatureExpired:
        raise TakeRefused("ticket_expired", _("The connection took too long to open. Please try again.")) from None
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        raise TakeRefused("bad_ticket", _("This connection is not allowed. Please reload the page.")) from None
