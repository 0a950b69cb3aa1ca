"""Recordings that were uploaded and judged while their form is not complete yet. They are kept for a day for the
researcher who uploaded them.

A mistake in the form therefore costs nothing, and a recording can be heard before it is saved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from inference.contract.audio import SAMPLE_RATE_HZ
from studies.models.take import recordings
from studies.voices.decoding import Reference

FOLDER: Final = "voices/drafts"
KEPT: Final = timedelta(days=1)


def keep(reference: Reference, user_id: int) -> UUID:
    """Keeps a draft and returns its name."""
    draft = uuid4()
    facts = {
        "sha256": reference.sha256,
        "duration_samples": reference.duration_samples,
        "facts": dict(reference.facts),
        "quality": dict(reference.quality),
    }
    recordings().save(flac_name(draft, user_id), ContentFile(reference.flac))
    recordings().save(_facts_name(draft, user_id), ContentFile(json.dumps(facts).encode()))
    return draft


def load(draft: UUID, user_id: int) -> Reference | None:
    """Returns what was kept; None if it is gone or belongs to somebody else."""
    try:
        with recordings().open(flac_name(draft, user_id)) as file:
            flac = file.read()
        with recordings().open(_facts_name(draft, user_id)) as file:
            facts = json.loads(file.read())
    except FileNotFoundError:
        return None
    return Reference(flac=flac, **facts)


def drop(draft: UUID, user_id: int) -> None:
    for name in (flac_name(draft, user_id), _facts_name(draft, user_id)):
        recordings().delete(name)


def drop_old(now: datetime | None = None) -> int:
    """Deletes drafts older than a day. Returns how many files it deleted."""
    before = (now or timezone.now()) - KEPT
    old = [name for name in _all() if recordings().get_modified_time(name) < before]
    for name in old:
        recordings().delete(name)
    return len(old)


def flac_name(draft: UUID, user_id: int) -> str:
    return f"{FOLDER}/{user_id}/{draft}.flac"


def _facts_name(draft: UUID, user_id: int) -> str:
    return f"{FOLDER}/{user_id}/{draft}.json"


def shown(reference: Reference, draft: UUID) -> dict[str, object]:
    """Returns the values that templates/admin/studies/targetvoice/report.html shows."""
    return {
        "quality": reference.quality,
        "upload": reference.facts,
        "duration_sec": reference.duration_samples / SAMPLE_RATE_HZ,
        "audio_url": reverse("voice_draft", args=[draft]),
        "label": "your recording",
    }


def _all() -> Iterable[str]:
    with suppress(FileNotFoundError):
        for user in recordings().listdir(FOLDER)[0]:
            folder = PurePosixPath(FOLDER) / user
            for file in recordings().listdir(str(folder))[1]:
                yield str(folder / file)
