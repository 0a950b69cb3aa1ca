"""A take's journal as a file: its path, its lock, its contents and where it ends."""

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
    """The state at the end of a journal on disk, from which its take continues."""

    next_sequence: int = 0
    live: bool = False  # the engine has begun to hear
    ending: tuple[str, str] | None = None  # (outcome, reason), once it has ended
    last_time_us: int | None = None
    live_time_us: int | None = None
    clock_us: int | None = None  # earliest possible time of microphone sample 0, estimated from arrival times
    worker: str = ""  # address of the inference worker that holds its slot
    end_offset: int = 0  # the end of the readable part

    def note(self, record: Record) -> None:
        """Takes in the next record of the file."""
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
    """Returns the path of a take's journal, whether or not the file exists."""
    return Path(settings.JOURNAL_DIR) / f"{take_id}.journal"


@contextmanager
def read_journal(path: Path) -> Iterator[Iterator[Record | Damage]]:
    """Returns a journal's records, or none if the file is missing or empty. Raises RecordingError."""
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
    """Reads a journal to its end to find where its take continues. Raises RecordingError."""
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
    """Opens a journal for exclusive use by this process and returns its file descriptor.

    Raises RecordingError("in_use") if another process still holds it after `wait_sec`, and FileNotFoundError if it
    does not exist."""
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
    """Returns whether a process is currently writing or filing this journal."""
    try:
        os.close(lock(path))
    except RecordingError:
        return True
    except FileNotFoundError:
        return False
    return False


def recording_error(error: OSError) -> RecordingError:
    """Returns the RecordingError that corresponds to an error of the file system."""
    return RecordingError("disk_full" if error.errno in NO_SPACE else "disk_error")
