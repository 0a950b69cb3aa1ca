"""The journal on disk: what is acknowledged is there, a torn end is cut off, and trouble stays with its take."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from inference.contract.audio import UPLINK_SAMPLES
from inference.contract.wire import Kind, encode_audio
from studies.errors import RecordingError
from studies.talk.journal.file import continuation, is_locked, read_journal
from studies.talk.journal.records import MAGIC, Damage, Record, pack, pack_event
from studies.talk.journal.writer import Journal, JournalWriter


def frame(sequence: int) -> bytes:
    return encode_audio(
        Kind.PARTICIPANT, sequence, sequence * UPLINK_SAMPLES, bytes([sequence % 256, 1]) * UPLINK_SAMPLES
    )


class Told:
    """What a journal called back."""

    def __init__(self) -> None:
        self.durable: list[int] = []
        self.failures: list[str] = []
        self._changed = threading.Condition()

    def on_durable(self, sequence: int) -> None:
        with self._changed:
            self.durable.append(sequence)
            self._changed.notify_all()

    def on_failed(self, error: RecordingError) -> None:
        with self._changed:
            self.failures.append(error.reason)
            self._changed.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, timeout=20)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[JournalWriter]:
    thread = JournalWriter(tmp_path, min_free_bytes=0)
    thread.start()
    yield thread
    thread.stop()


def open_journal(folder: Path, writer: JournalWriter, name: str = "take") -> tuple[Journal, Told]:
    told = Told()
    return Journal(folder / f"{name}.journal", writer, told.on_durable, told.on_failed), told


def messages(path: Path) -> list[bytes]:
    with read_journal(path) as records:
        return [found.message for found in records if isinstance(found, Record)]


def test_append_is_acknowledged_once_it_is_on_disk(tmp_path: Path, writer: JournalWriter) -> None:
    journal, told = open_journal(tmp_path, writer)
    for sequence in range(60):
        journal.append_frame(frame(sequence), sequence)
    told.wait(lambda: told.durable[-1:] == [59])
    assert messages(journal.path) == [frame(sequence) for sequence in range(60)]
    assert told.durable == sorted(set(told.durable))


def test_close_writes_all_and_gives_the_lock_back(tmp_path: Path, writer: JournalWriter) -> None:
    journal, told = open_journal(tmp_path, writer)
    assert is_locked(journal.path)
    journal.append_frame(frame(0), 0)
    journal.append(pack_event("closed", {"reason": "participant", "outcome": "completed"}))
    journal.close().result(timeout=20)
    assert told.durable == [0]
    assert not is_locked(journal.path)
    assert continuation(journal.path).ending == ("completed", "participant")


def test_open_twice_refuses_the_second(tmp_path: Path, writer: JournalWriter) -> None:
    open_journal(tmp_path, writer)
    with pytest.raises(RecordingError, match="in_use"):
        open_journal(tmp_path, writer)


def test_reopen_after_a_cut_at_every_byte_of_the_last_record_goes_on(tmp_path: Path, writer: JournalWriter) -> None:
    kept = MAGIC + b"".join(pack(frame(n), n) for n in range(2))
    last = pack(frame(2)[:24], 2)
    for cut in range(len(last)):
        path = tmp_path / f"cut{cut}.journal"
        path.write_bytes(kept + last[:cut])
        journal, _ = open_journal(tmp_path, writer, f"cut{cut}")
        assert journal.continuation.next_sequence == 2
        assert path.read_bytes() == kept
        journal.append_frame(frame(2), 2)
    for path in tmp_path.glob("*.journal"):
        wait_until_written(path, len(kept) + len(pack(frame(2), 0)))
        assert messages(path) == [frame(n) for n in range(3)]


def wait_until_written(path: Path, size: int) -> None:
    waiting = threading.Event()
    for _ in range(400):
        if path.stat().st_size >= size:
            return
        waiting.wait(0.05)
    raise AssertionError(f"{path.name} has {path.stat().st_size} of {size} bytes")


def test_reopen_after_corruption_keeps_what_follows_it(tmp_path: Path, writer: JournalWriter) -> None:
    records = [pack(frame(n), n) for n in range(4)]
    data = bytearray(MAGIC + b"".join(records))
    data[len(MAGIC) + len(records[0]) + 40] ^= 1
    (tmp_path / "take.journal").write_bytes(data)
    journal, _ = open_journal(tmp_path, writer)
    assert journal.continuation.next_sequence == 4
    with read_journal(journal.path) as found:
        assert [part for part in found if isinstance(part, Damage)] == [
            Damage(len(MAGIC) + len(records[0]), len(records[1]), torn=False)
        ]


def test_continuation_knows_where_the_take_stood(tmp_path: Path) -> None:
    path = tmp_path / "take.journal"
    passed = [
        (1_000, pack_event("slot", {"address": "ws://127.0.0.1:8700"})),
        (2_000, pack_event("live", {"engine": "echo"})),
        (32_000, frame(0)),
        (51_000, frame(1)),
    ]
    path.write_bytes(MAGIC + b"".join(pack(message, time_us) for time_us, message in passed))
    state = continuation(path)
    assert (state.next_sequence, state.live, state.worker) == (2, True, "ws://127.0.0.1:8700")
    assert (state.live_time_us, state.last_time_us, state.clock_us) == (2_000, 51_000, 31_000)


def test_write_to_full_disk_fails_that_take_alone(tmp_path: Path, writer: JournalWriter) -> None:
    full, told_full = open_journal(tmp_path, writer, "full")
    fine, told_fine = open_journal(tmp_path, writer, "fine")
    full.append_frame(frame(0), 0)
    told_full.wait(lambda: told_full.durable == [0])
    device = os.open("/dev/full", os.O_WRONLY)
    os.dup2(device, full.fd)  # from here on every write of this journal is answered with "no space left"
    os.close(device)
    for sequence in (1, 2):
        full.append_frame(frame(sequence), sequence)
        fine.append_frame(frame(sequence), sequence)
    told_full.wait(lambda: told_full.failures == ["disk_full"])
    told_fine.wait(lambda: told_fine.durable[-1:] == [2])
    assert told_full.durable == [0]  # nothing that is not on disk was acknowledged
    assert messages(full.path) == [frame(0)]
    full.append_frame(frame(3), 3)
    full.close().result(timeout=20)
    assert told_full.failures == ["disk_full"]


def test_reserve_used_up_fails_all_takes_with_everything_kept(tmp_path: Path, writer: JournalWriter) -> None:
    journal, told = open_journal(tmp_path, writer)
    journal.append_frame(frame(0), 0)
    writer.min_free_bytes = 2**62
    told.wait(lambda: told.failures == ["disk_full"])
    assert messages(journal.path) == [frame(0)]
    with pytest.raises(RecordingError, match="disk_full"):
        open_journal(tmp_path, writer, "next")


def test_erased_journal_ends_its_take(tmp_path: Path, writer: JournalWriter) -> None:
    journal, told = open_journal(tmp_path, writer)
    journal.append_frame(frame(0), 0)
    journal.path.unlink()
    told.wait(lambda: told.failures == ["erased"])
    assert told.durable == []


KILLED = """
import sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.studies.talk.journal.test_journal import frame
from studies.talk.journal.writer import Journal, JournalWriter
path = Path(sys.argv[1])
writer = JournalWriter(path.parent, 0)
writer.start()
journal = Journal(path, writer, lambda n: print(n, flush=True), lambda error: None)
sequence = journal.continuation.next_sequence
while True:
    journal.append_frame(frame(sequence), sequence)
    sequence += 1
    threading.Event().wait(0.002)
"""


def test_kill_loses_nothing_acknowledged_and_the_journal_goes_on(tmp_path: Path) -> None:
    path = tmp_path / f"{uuid4()}.journal"
    root = str(Path(__file__).parents[4])
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path), root], stdout=subprocess.PIPE, text=True, cwd=root
        )
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(2)][-1]
        process.kill()
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
        process.wait()
        state = continuation(path)
        assert state.next_sequence > acknowledged
        assert messages(path) == [frame(n) for n in range(state.next_sequence)]
