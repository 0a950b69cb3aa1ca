"""What is agreed to: the exact text in the language it is shown in, kept once, and one event a purpose."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studies.models import ConsentDocument, ConsentEvent, Session
from studies.protocol.schema import Protocol
from studies.publish import protocol_of, session_protocol


def spoken(session: Session) -> str:
    """The language in which the study speaks to this session."""
    return session.language or session_protocol(session).languages[0]


def document_body(session: Session, protocol: Protocol, language: str) -> str:
    """Canonical JSON (sorted keys, no spaces) of all that stands on the consent page; what is hashed is its UTF-8."""
    body = {
        "study": session.study.slug,
        "title": protocol.title,
        "version": session.version.number,
        "language": language,
        "text": protocol.consent.text,
        "purposes": [
            {"key": purpose.key, "label": purpose.label, "required": purpose.required}
            for purpose in protocol.consent.purposes
        ],
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def record(session: Session, granted: Collection[str], language: str = "") -> None:
    """Keeps the text that was shown, and for each purpose whether it was granted. `language`: in which it was shown,
    where that is not the session's own any more, because another tab has changed it."""
    if language not in session_protocol(session).languages:
        language = spoken(session)
    protocol = protocol_of(session.version, language)
    body = document_body(session, protocol, language)
    digest = hashlib.sha256(body.encode()).hexdigest()
    ConsentDocument.objects.get_or_create(
        sha256=digest, defaults={"version": session.version, "language": language, "body": body}
    )
    for purpose in protocol.consent.purposes:
        ConsentEvent.objects.create(
            session=session,
            purpose=purpose.key,
            granted=purpose.key in granted,
            document_sha256=digest,
            language=language,
        )


@dataclass(frozen=True, slots=True)
class Granted:
    """One purpose: what was said to it first, and whether it was taken back since."""

    label: str
    granted: bool
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Agreed:
    """What somebody agreed to. `content` is that of the document."""

    document: ConsentDocument
    content: dict[str, Any]
    at: datetime
    purposes: list[Granted]


def agreed(session: Session) -> Agreed | None:
    """None before there was an answer."""
    events = list(session.consents.order_by("id"))
    document = ConsentDocument.objects.filter(sha256=events[0].document_sha256).first() if events else None
    if document is None:
        return None
    content = json.loads(document.body)
    purposes = [_granted(purpose, events) for purpose in content["purposes"]]
    return Agreed(document, content, events[0].at, purposes)


def _granted(purpose: dict[str, Any], events: list[ConsentEvent]) -> Granted:
    about = [event for event in events if event.purpose == purpose["key"]]
    granted = bool(about) and about[0].granted
    withdrawn_at = about[-1].at if granted and not about[-1].granted else None
    return Granted(purpose["label"], granted, withdrawn_at)
