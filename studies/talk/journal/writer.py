"""Writes journals to disk: the event loop appends, and one thread for the whole process writes and syncs.

An appended message is in the file within 0.1 s, so a killed process loses no more than that, and on the disk within
about a second, so a power cut loses no more than that. It is acknowledged only once it is on the disk.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings

from studies.errors import RecordingError
from studies.talk.journal.file import continuation, lock, recording_error
from studies.talk.journal.records import MAGIC, now_us, pack

BATCH_SEC: Final = 0.1
SYNC_SEC: Final = 1.0
LOCK_WAIT_SEC: Final = 0.5  # allows for a process that takes the lock only to check it
MAX_PENDING_RECORDS: Final = 6_000  # a minute or more of one take; the disk has stopped responding

log = structlog.get_logger(__name__)


class Journal:
    """One take's file. `append` is called on the event loop, everything else on the writer's thread.

    `on_durable(sequence)` is called when all microphone frames up to `sequence` are on disk, and `on_failed` when no
    more can be written. Both may be called from the writer's thread and must not raise."""

    def __init__(
        self,
        path: Path,
        writer: JournalWriter,
        on_durable: Callable[[int], None],
        on_failed: Callable[[RecordingError], None],
    ) -> None:
        """Opens or creates the file, truncates a torn end and finds where to continue. Blocks on the disk.

        Raises RecordingError: in_use, disk_full, disk_error."""
        self.path = path
        self.on_durable = on_durable
        self.on_failed = on_failed
        self.failed: RecordingError | None = None
        self.closed: Future[None] = Future()
        self.closed.set_running_or_notify_cancel()  # a waiting task may be cancelled, but this may not
        self.closing = False
        self.pending: deque[bytes] = deque()
        self.sequence = -1  # the last microphone frame that was appended
        self.durable = -1  # the last one known to be on disk
        self._writer = writer
        writer.check_space()
        try:
            path.touch(mode=0o600)
            self.fd = lock(path, LOCK_WAIT_SEC)
        except OSError as error:
            raise recording_error(error) from error
        try:
            self.continuation = continuation(path)
            self._start_file()
        except OSError as error:
            os.close(self.fd)
            raise recording_error(error) from error
        self.sequence = self.durable = self.continuation.next_sequence - 1
        writer.add(self)

    def append(self, message: bytes) -> int:
        """Journals one wire message and returns the time in microseconds since 1970."""
        time_us = now_us()
        if self.failed is None and len(self.pending) < MAX_PENDING_RECORDS:
            self.pending.append(pack(message, time_us))
            self._writer.wake()
        elif self.failed is None:
            self.failed = RecordingError("disk_error")
            self.on_failed(self.failed)
        return time_us

    def append_frame(self, message: bytes, sequence: int) -> int:
        """Does the same for a microphone frame, which will be acknowledged."""
        time_us = self.append(message)
        if self.failed is None:
            self.sequence = sequence  # set after the record is queued: the writer reads in the opposite order
        return time_us

    def close(self) -> Future[None]:
        """Returns a future that is done once everything is on disk and the lock is released, or writing has failed."""
        self.closing = True
        self._writer.wake()
        return self.closed

    def _start_file(self) -> None:
        os.ftruncate(self.fd, self.continuation.end_offset)
        if self.continuation.end_offset == 0:
            os.write(self.fd, MAGIC)
        os.fdatasync(self.fd)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class JournalWriter(threading.Thread):
    """Writes pending records of all journals in the process ten times a second and syncs each journal once a second.

    Each journal is synced when its own second is over, because a hundred acknowledgements at once would delay the
    audio. If one journal cannot be written, the others are unaffected."""

    def __init__(self, folder: Path, min_free_bytes: int) -> None:
        super().__init__(name="journal-writer", daemon=True)
        self.folder = folder
        self.min_free_bytes = min_free_bytes
        self._journals: dict[Journal, None] = {}
        self._unsynced: dict[Journal, float] = {}  # the time.monotonic since which each has been unsynced
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._stopping = False

    def add(self, journal: Journal) -> None:
        with self._lock:
            self._journals[journal] = None

    def stop(self) -> None:
        """Writes what is pending, closes every journal and ends the thread."""
        self._stopping = True
        with self._lock:
            for journal in self._journals:
                journal.closing = True
        self._work.set()
        self.join()

    def wake(self) -> None:
        if not self._work.is_set():  # the cheap check comes first, because this runs for every frame
            self._work.set()

    def check_space(self) -> None:
        """Raises RecordingError("disk_full") if less than the reserve is free."""
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise recording_error(error) from error
        if free < self.min_free_bytes:
            raise RecordingError("disk_full")

    def run(self) -> None:
        while not self._stopping or self._journals:
            self._work.wait(SYNC_SEC if self._unsynced else None)
            self._work.clear()
            with self._lock:
                journals = list(self._journals)
            for journal in journals:
                self._guarded(self._write, journal)
            self._sync_due()
            for journal in journals:
                if journal.closing or journal.failed is not None:
                    self._release(journal)
            time.sleep(BATCH_SEC)

    def _write(self, journal: Journal) -> None:
        records = [journal.pending.popleft() for _ in range(len(journal.pending))]
        data = memoryview(b"".join(records))
        if data:
            self._unsynced.setdefault(journal, time.monotonic())
        while data:
            data = data[os.write(journal.fd, data) :]

    def _sync_due(self) -> None:
        now = time.monotonic()
        due = [journal for journal, since in self._unsynced.items() if now - since >= SYNC_SEC]
        if not due:
            return
        try:
            self.check_space()
        except RecordingError as error:
            # the remaining space is reserved for filing, so every talk ends now with what it has recorded
            for journal in list(self._unsynced):
                self._guarded(self._sync, journal)
                self._fail(journal, error)
            return
        for journal in due:
            self._guarded(self._sync, journal)

    def _sync(self, journal: Journal) -> None:
        self._unsynced.pop(journal, None)
        sequence = journal.sequence
        self._write(journal)  # so that everything up to `sequence` is included in the sync
        os.fdatasync(journal.fd)
        self._unsynced.pop(journal, None)
        if os.fstat(journal.fd).st_nlink == 0:
            raise RecordingError("erased")
        if sequence > journal.durable:
            journal.durable = sequence
            journal.on_durable(sequence)

    def _release(self, journal: Journal) -> None:
        self._guarded(self._sync, journal)
        with self._lock:
            self._journals.pop(journal, None)
        self._unsynced.pop(journal, None)
        with suppress(OSError):
            os.close(journal.fd)
        journal.closed.set_result(None)

    def _guarded(self, action: Callable[[Journal], None], journal: Journal) -> None:
        """Runs one journal's work so that a failure affects only that take."""
        if journal.failed is not None:
            return
        try:
            action(journal)
        except RecordingError as error:
            self._fail(journal, error)
        except OSError as error:
            self._fail(journal, recording_error(error))
        except Exception:
            log.exception("journal_failed")
            self._fail(journal, RecordingError("disk_error"))

    def _fail(self, journal: Journal, error: RecordingError) -> None:
        journal.failed = error
        journal.pending.clear()
        self._unsynced.pop(journal, None)
        log.error("journal_failed", take=journal.path.stem, reason=error.reason)
        journal.on_failed(error)


@cache
def writer() -> JournalWriter:
    """Returns the only writer of this process and starts it on first use."""
    thread = JournalWriter(Path(settings.JOURNAL_DIR), settings.JOURNAL_MIN_FREE_BYTES)
    thread.start()
    return thread
