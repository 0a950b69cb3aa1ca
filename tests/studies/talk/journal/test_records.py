"""The journal's format against cuts and corruption: all whole records are read, and nothing is made up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inference.contract.audio import UPLINK_SAMPLES
from inference.contract.wire import Kind, encode_audio
from studies.talk.journal.records import MAGIC, Damage, Record, pack, pack_event, scan

FRAMES = [encode_audio(Kind.PARTICIPANT, n, n * UPLINK_SAMPLES, bytes([n + 1, 0]) * 8) for n in range(4)]
MESSAGES = [pack_event("connect", {"resumed": False}), *FRAMES, pack_event("closed", {"reason": "participant"})]
RECORDS = [pack(message, 1_000 * n) for n, message in enumerate(MESSAGES)]
JOURNAL = MAGIC + b"".join(RECORDS)
ENDS = [len(MAGIC) + sum(len(record) for record in RECORDS[:n]) for n in range(len(RECORDS) + 1)]


def messages(data: bytes) -> list[bytes]:
    return [found.message for found in scan(data) if isinstance(found, Record)]


def damage(data: bytes) -> list[Damage]:
    return [found for found in scan(data) if isinstance(found, Damage)]


def test_scan_whole_journal() -> None:
    assert list(scan(JOURNAL)) == [Record(1_000 * n, message) for n, message in enumerate(MESSAGES)]


def test_scan_cut_at_every_byte_reads_all_whole_records() -> None:
    for size in range(len(JOURNAL) + 1):
        data = JOURNAL[:size]
        whole = sum(end <= size for end in ENDS[1:])
        assert messages(data) == MESSAGES[:whole]
        end = ENDS[whole] if size >= len(MAGIC) else 0
        assert damage(data) == ([Damage(end, size - end, torn=True)] if size > end else [])


def test_scan_with_every_byte_flipped_loses_only_its_record() -> None:
    for place in range(len(MAGIC), len(JOURNAL)):
        data = bytearray(JOURNAL)
        data[place] ^= 0xFF
        hit = sum(end <= place for end in ENDS[1:])
        assert messages(bytes(data)) == MESSAGES[:hit] + MESSAGES[hit + 1 :]
        assert damage(bytes(data)) == [Damage(ENDS[hit], len(RECORDS[hit]), torn=hit == len(RECORDS) - 1)]


def test_scan_with_overwritten_magic_reads_all_records() -> None:
    assert messages(b"?" * len(MAGIC) + JOURNAL[len(MAGIC) :]) == MESSAGES


def test_scan_with_record_inside_audio_reads_it_as_audio() -> None:
    inside = encode_audio(Kind.PARTICIPANT, 0, 0, RECORDS[0])
    assert messages(MAGIC + pack(inside, 5)) == [inside]


@given(st.binary(max_size=200), st.integers(0, len(RECORDS)))
def test_scan_with_noise_between_records_reads_them_all(noise: bytes, place: int) -> None:
    data = MAGIC + b"".join(RECORDS[:place]) + noise + b"".join(RECORDS[place:])
    assert messages(data) == MESSAGES
    assert sum(part.size for part in damage(data)) == len(noise)


@given(st.binary(max_size=2_000))
def test_scan_any_bytes_accounts_for_all_of_them(data: bytes) -> None:
    data = MAGIC + data
    covered = sum(part.size for part in damage(data)) + sum(len(pack(message, 0)) for message in messages(data))
    assert covered == len(data) - len(MAGIC)
