"""The protocol of a session, in the language the session is held in."""

from __future__ import annotations

from functools import lru_cache

from studies.models import ProtocolVersion, Session
from studies.protocol.languages import localised
from studies.protocol.schema import Protocol
from studies.publish import protocol_of


def session_protocol(session: Session) -> Protocol:
    """Read once a process for each version and language. Raises ProtocolError when its document is from another
    schema."""
    return version_protocol(session.version, session.language)


def version_protocol(version: ProtocolVersion, language: str = "") -> Protocol:
    """With its texts in `language`; in its own where that is empty or not one of the study's."""
    return _protocol(version.pk, version.sha256, language)


@lru_cache(maxsize=64)
def _protocol(version_pk: int, _sha256: str, language: str) -> Protocol:
    protocol = protocol_of(ProtocolVersion.objects.get(pk=version_pk))
    return localised(protocol, language) if language else protocol
