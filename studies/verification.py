"""What is stored without a right to be there, and what no longer is what was stored. Nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from studies.models import ConsentEvent, Erasure, Session, Take, TargetVoiceVersion, Track
from studies.models.take import recordings
from studies.talk.integrity import digest
from studies.voices import drafts
from studies.withdrawal import keeps_data, unfinished

DIFFERS: Final = "does not fit its SHA-256"
GONE: Final = "is gone"
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. Neither part names a person."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


def findings(today: date) -> Iterator[Finding]:
    """Yields everything that is wrong on `today`. It reads every recording."""
    takes = {take.pk: take for take in Take.objects.select_related("trial__session__version__study")}
    rights = {pk: no_right(take, today) for pk, take in takes.items()}
    yield from _tracks(rights)
    yield from _voices(today)
    yield from _files(takes, rights)
    yield from _journals(takes, rights)
    for session in unfinished():
        yield Finding(f"withdrawal of session {session.pk}", "it is not finished")
    for erasure in Erasure.objects.filter(ended_at=None):
        yield Finding(f"erasure {erasure.pk}", "it is open, so that rows can be deleted unnoticed")


def no_right(take: Take, today: date) -> str:
    """Returns why nothing that was said in a take may be stored any more; an empty text if it may."""
    session = take.trial.session
    if take.erased_because:
        return f"of a take that was erased ({take.erased_because})"
    if session.study.retention_until is not None and session.study.retention_until < today:
        return f"kept beyond {session.study.retention_until}"
    if session.state == Session.State.WITHDRAWN:
        return "" if keeps_data(session) else "of somebody who withdrew"
    if ConsentEvent.Purpose.RECORD not in session.agreed:
        return "without a consent to recording"
    return ""


def _tracks(rights: dict[UUID, str]) -> Iterator[Finding]:
    for track in Track.objects.order_by("take", "kind"):
        what = f"track {track.take_id} {track.kind}"
        if why := rights[track.take_id]:
            yield Finding(what, why)
        yield from _integrity(what, str(track.file.name), track.sha256)


def _voices(today: date) -> Iterator[Finding]:
    versions = TargetVoiceVersion.objects.exclude(file="").select_related("voice", "donation__session__version__study")
    for version in versions.order_by("voice", "number"):
        what = f"voice {version.voice.key} v{version.number}"
        if version.voice.withdrawn_at is not None:
            yield Finding(what, "of a speaker who withdrew")
        donor = version.donation.session if version.donation is not None else None
        if donor is not None and ConsentEvent.Purpose.VOICE_DONATION not in donor.agreed:
            yield Finding(what, "given by somebody who took that back")
        if donor is not None and donor.study.retention_until and donor.study.retention_until < today:
            yield Finding(what, f"kept beyond {donor.study.retention_until}")
        yield from _integrity(what, str(version.file.name), version.sha256)


def _integrity(what: str, name: str, sha256: str) -> Iterator[Finding]:
    try:
        if digest(name) != sha256:
            yield Finding(what, DIFFERS)
    except FileNotFoundError:
        yield Finding(what, GONE)


def _files(takes: dict[UUID, Take], rights: dict[UUID, str]) -> Iterator[Finding]:
    """Yields files that no row names, and events that are gone or may not be there."""
    named = set(Track.objects.values_list("file", flat=True))
    named |= set(TargetVoiceVersion.objects.exclude(file="").values_list("file", flat=True))
    there = dict.fromkeys(_walk(""))
    for take in takes.values():
        if not take.events:
            continue
        named.add(str(take.events.name))
        if str(take.events.name) not in there:
            yield Finding(f"events {take.pk}", GONE)
        elif why := rights[take.pk]:
            yield Finding(f"events {take.pk}", why)
    for name in there:
        if name in named or _is_draft(name):
            continue
        folder = name.partition("/")[0]
        why = rights.get(UUID(folder), "") if _UUID.fullmatch(folder) else ""
        yield Finding(f"recordings/{name}", why or "no row names it")


def _is_draft(name: str) -> bool:
    """Returns whether it is an upload of the last day that is still being judged."""
    if not name.startswith(f"{drafts.FOLDER}/"):
        return False
    modified: datetime = recordings().get_modified_time(name)
    return modified >= timezone.now() - drafts.KEPT


def _journals(takes: dict[UUID, Take], rights: dict[UUID, str]) -> Iterator[Finding]:
    for path in sorted(Path(settings.JOURNAL_DIR).glob("*.*")):
        take = takes.get(UUID(path.stem)) if _UUID.fullmatch(path.stem) else None
        if take is None:
            yield Finding(f"journal/{path.name}", "of no take")
        elif why := rights[take.pk]:
            yield Finding(f"journal/{path.name}", why)


def _walk(folder: str) -> Iterator[str]:
    with suppress(FileNotFoundError):
        folders, files = recordings().listdir(folder)
        yield from sorted(f"{folder}{name}" for name in files)
        for name in sorted(folders):
            yield from _walk(f"{folder}{name}/")
