"""A take's journal as a file: where it is, who has it, what it holds and where it stops."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.contract.wire import Kind
from studies.errors import RecordingError
from studies.talk.journal.records import Damage, Record, scan

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(slots=True)
class Continuation:
    """Where a journal on disk stops, and so where its take goes on."""

    next_sequence: int = 0
    live: bool = False  # the engine has heard it
    ending: tuple[str, str] | None = None  # (outcome, reason), once it has ended
    last_time_us: int | None = None
    live_time_us: int | None = None
    clock_us: int | None = None  # earliest that microphone sample 0 can have been, from when frames arrived
    worker: str = ""  # address of the inference worker that holds its slot
    end_offset: int = 0  # of what can be read

    def note(self, record: Record) -> None:
        """One more record that stands in the file."""
        self.last_time_us = record.time_us
        if record.kind == Kind.PARTICIPANT:
            sequence, sample = record.place
            self.next_sequence = max(self.next_sequence, sequence + 1)
            clock_us = record.time_us - sample * 1_000_000 // SAMPLE_RATE_HZ
            self.clock_us = clock_us if self.clock_us is None else min(self.clock_us, clock_us)
        elif record.kind == Kind.METADATA:
            event = record.event()
            match event.get("event"):
                case "live":
                    self.live = True
                    self.live_time_us = self.live_time_us or record.time_us
                case "slot":
                    self.worker = str(event.get("address", ""))
                case "closed":
                    self.ending = str(event.get("outcome", "")), str(event.get("reason", ""))


def journal_path(take_id: UUID) -> Path:
    """Where a take's journal is, or would be."""
    return Path(settings.JOURNAL_DIR) / f"{take_id}.journal"


@contextmanager
def read_journal(path: Path) -> Iterator[Iterator[Record | Damage]]:
    """The records of a journal; none of a file that is missing or empty. Raises RecordingError."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                yield iter(())
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield scan(data)
    except FileNotFoundError:
        yield iter(())
    except OSError as error:
        raise recording_error(error) from error


def continuation(path: Path) -> Continuation:
    """Reads a journal through to its end. Raises RecordingError."""
    state = Continuation()
    state.end_offset = path.stat().st_size if path.exists() else 0
    with read_journal(path) as records:
        for found in records:
            if isinstance(found, Record):
                state.note(found)
            elif found.torn:
                state.end_offset = found.offset
    return state


def lock(path: Path, wait_sec: float = 0.0) -> int:
    """Opens a journal for the one process that may have it, and returns its file descriptor.

    Raises RecordingError("in_use") when another still has it after `wait_sec`, FileNotFoundError when there is none."""
    fd = os.open(path, os.O_RDWR | os.O_APPEND)
    until = time.monotonic() + wait_sec
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                os.close(fd)
                raise RecordingError("in_use") from None
            time.sleep(0.05)
        else:
            return fd


def is_locked(path: Path) -> bool:
    """Whether a process is writing this journal, or filing it, just now."""
    try:
        os.close(lock(path))
    except RecordingError:
        return True
    except FileNotFoundError:
        return False
    return False


def recording_error(error: OSError) -> RecordingError:
    """Says what a file system meant."""
    return RecordingError("disk_full" if error.errno in NO_SPACE else "disk_error")
