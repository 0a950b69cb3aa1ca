"""The log of what people took back, for a database that is restored from a backup in which it is still there.

It is a file of its own, one JSON object a line, and names participants by their codes alone. It is of use only where
restoring a backup leaves it in place (docs/operator.md). `manage.py reapply_erasures` applies it
again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from studies.errors import RecordingError

What = Literal["withdrawal", "purpose", "take", "voice", "study"]
log = structlog.get_logger(__name__)


def note(what: What, **of: str) -> None:
    """Appends an entry once the transaction is committed. A log that cannot be written holds up no withdrawal."""
    entry = {"at": timezone.now().isoformat(timespec="seconds"), "what": what, **of}
    transaction.on_commit(partial(_append, json.dumps(entry, ensure_ascii=False)))


def entries(path: Path) -> Iterator[dict[str, str]]:
    """Yields the entries, oldest first. Raises RecordingError, naming the line, for one that is none."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            entry = json.loads(line)
            yield {"what": "", **{str(name): str(value) for name, value in entry.items()}}
        except (ValueError, AttributeError):
            raise RecordingError(f"line {number} of {path} is no entry") from None


def _append(line: str) -> None:
    path = Path(settings.ERASURE_LOG)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, f"{line}\n".encode())
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError:
        log.exception("erasure_not_logged")
