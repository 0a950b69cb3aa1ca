"""Consent documents and events: the exact text in the language in which it was shown, stored once, and one event for
each purpose."""

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
    """Returns the language of the study's texts in this session."""
    return session.language or session_protocol(session).languages[0]


def document_body(session: Session, protocol: Protocol, language: str) -> str:
    """Returns all texts of the consent page as canonical JSON (sorted keys, no spaces), whose UTF-8 is hashed."""
    body = {
        "study": session.study.slug,
        "title": protocol.title,
        "version": session.version.number,
        "language": language,
        **({"summary": protocol.consent.summary} if protocol.consent.summary else {}),
        "text": protocol.consent.text,
        "purposes": [
            {"key": purpose.key, "label": purpose.label, "required": purpose.required}
            for purpose in protocol.consent.purposes
        ],
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def record(session: Session, granted: Collection[str], language: str = "") -> None:
    """Stores the text that was shown, and for each purpose whether it was granted.

    `language` is the one in which the text was shown, which may differ from the session's if another tab has changed
    that."""
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
    """The consent to one purpose: the first decision, and when it was withdrawn, if it was."""

    label: str
    granted: bool
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a participant agreed to. `content` is the parsed body of the document."""

    document: ConsentDocument
    content: dict[str, Any]
    at: datetime
    purposes: list[Granted]


def agreed(session: Session) -> Agreed | None:
    """Returns what the participant decided, or None before they have."""
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
