"""Whether a stored recording still is what was filed, by its SHA-256."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Final, cast

import numpy as np
import soundfile
import structlog

from inference.contract.audio import Float32
from studies.errors import RecordingError
from studies.models import Track
from studies.models.take import recordings

PIECE_BYTES: Final = 1_048_576

log = structlog.get_logger(__name__)


def check_file(name: str, sha256: str) -> None:
    """Raises RecordingError("differs"), and logs it, if the file does not fit its hash. Raises FileNotFoundError.

    A file is read once, and again when its size or time has changed; `digest` reads it in any case."""
    storage = recordings()
    if _digest_then(name, storage.size(name), storage.get_modified_time(name)) != sha256:
        log.error("recording_differs", file=name)
        raise RecordingError("differs")


def samples_of(track: Track) -> Float32:
    """Returns a track's samples, [n]. Raises RecordingError for a file that is no longer what was filed, and
    FileNotFoundError."""
    check_file(str(track.file.name), track.sha256)
    with track.file.open("rb") as file:
        samples, _ = soundfile.read(file, dtype="float32")
    return cast(Float32, np.asarray(samples, dtype=np.float32))


def digest(name: str) -> str:
    """Returns the SHA-256 of a stored file. Raises FileNotFoundError."""
    found = hashlib.sha256()
    with recordings().open(name) as file:
        while piece := file.read(PIECE_BYTES):
            found.update(piece)
    return found.hexdigest()


@lru_cache(maxsize=4_096)
def _digest_then(name: str, _size: int, _modified: datetime) -> str:
    return digest(name)
