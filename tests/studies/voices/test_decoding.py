"""Uploads of every kind, decoded in the sandbox."""

from __future__ import annotations

import hashlib
import io
import resource
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from inference.contract.audio import SAMPLE_RATE_HZ
from studies.errors import AudioRefused
from studies.voices import decoding
from studies.voices.decoder import assessed, clipped_share, container_of
from studies.voices.decoding import decode_upload
from tests.studies.voices.recordings import babble, claiming, encoded, long_silence

SPEECH = babble(3.5, 210.0, 1.17, 3)
KINDS = {
    "wav": ("WAV", "PCM_16"),
    "float wav": ("WAV", "FLOAT"),
    "flac": ("FLAC", "PCM_24"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


@cache
def upload(kind: str) -> bytes:
    return encoded(SPEECH, *KINDS[kind])


def refused(data: bytes, **options: float) -> tuple[str, str]:
    with pytest.raises(AudioRefused) as caught:
        decode_upload([data], **options)
    return caught.value.code, str(caught.value)


def refusal(data: bytes) -> str:
    return refused(data)[0]


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    length = min(len(one), len(other))
    return float(np.corrcoef(one[:length], other[:length])[0, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_kept_as_flac(kind: str) -> None:
    reference = decode_upload([upload(kind)[:1_000], upload(kind)[1_000:]])
    samples, rate_hz = soundfile.read(io.BytesIO(reference.flac), dtype="float32")
    assert (rate_hz, samples.shape) == (SAMPLE_RATE_HZ, (reference.duration_samples,))
    assert reference.duration_samples == pytest.approx(len(SPEECH), abs=0.05 * SAMPLE_RATE_HZ)
    assert correlation(samples, SPEECH) > 0.9
    assert hashlib.sha256(reference.flac).hexdigest() == reference.sha256
    assert reference.facts["container"] == container_of(upload(kind))


def test_same_upload_gives_the_same_hash() -> None:
    assert decode_upload([upload("flac")]).sha256 == decode_upload([upload("flac")]).sha256


def test_stereo_at_another_rate_is_mixed_and_resampled() -> None:
    time_sec = np.arange(3 * 44_100) / 44_100
    left, right = (0.4 * np.sin(2 * np.pi * hz * time_sec) for hz in (300, 500))
    reference = decode_upload([encoded(np.stack([left, right], 1).astype(np.float32), "WAV", "PCM_16", 44_100)])
    samples = soundfile.read(io.BytesIO(reference.flac))[0]
    strength = np.abs(np.fft.rfft(samples)) / len(samples) * 2
    assert len(samples) == 3 * SAMPLE_RATE_HZ
    assert [float(strength[3 * hz]) for hz in (300, 500)] == pytest.approx([0.2, 0.2], abs=0.005)
    assert (reference.facts["channels"], reference.facts["rate_hz"]) == (2, 44_100)


def test_quality_comes_with_it() -> None:
    assert decode_upload([encoded(babble(15, 210.0, 1.17, 3))]).quality["verdict"] == "ok"


def test_speech_recorded_too_loud_is_told() -> None:
    loud = np.clip(8 * babble(6, 210.0, 1.17, 3), -1, 1).astype(np.float32)
    findings = {f["check"]: f["verdict"] for f in decode_upload([encoded(loud)]).quality["findings"]}
    assert findings["clipping"] == "refused"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"Dear diary, " * 100, "wrong_type"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "wrong_type"),
        (b"\x1aE\xdf\xa3" + bytes(500), "wrong_type"),
        (b"RIFF\x24\x00\x00\x00AVI LIST" + bytes(500), "wrong_type"),
        (encoded(SPEECH, "AIFF"), "wrong_type"),
        (encoded(SPEECH[:7_200]), "too_short"),
        (encoded(np.full(48_000, np.nan, np.float32), "WAV", "FLOAT"), "damaged"),
        (b"fLaC" + bytes(range(256)) * 8, "damaged"),
        (b"OggS" + bytes(3_000), "truncated"),
        (b"ID3" + bytes(3_000), "damaged"),
        (encoded(SPEECH, "WAV", "PCM_16", 4_000), "wrong_type"),
        (encoded(SPEECH, "WAV", "GSM610"), "wrong_type"),
    ],
    ids=[
        "empty",
        "text",
        "picture",
        "webm",
        "video",
        "aiff",
        "0.3 s",
        "not numbers",
        "flac in name alone",
        "ogg in name alone",
        "mp3 in name alone",
        "4 kHz",
        "rare codec",
    ],
)
def test_what_is_not_taken(data: bytes, code: str) -> None:
    assert refusal(data) == code


def placeholder(content: bytes) -> bytes:
    return content[:4] + b"\xff\xff\xff\xff" + content[8:40] + bytes(4) + content[44:]


def test_wav_from_a_pipe_is_kept_whole() -> None:
    assert decode_upload([placeholder(upload("wav"))]).sha256 == decode_upload([upload("wav")]).sha256


def test_flac_of_unknown_length_behind_a_tag_is_kept_whole() -> None:
    streamed = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10) + claiming(upload("flac"), 0)
    assert decode_upload([streamed]).sha256 == decode_upload([upload("flac")]).sha256


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (placeholder(upload("wav")) * 2, "chained"),
        (upload("opus") * 2, "chained"),
        (encoded(np.stack([SPEECH, -SPEECH], 1)), "antiphase"),
    ],
    ids=["two wavs", "two streams of opus", "channels that cancel each other"],
)
def test_what_would_be_lost_unnoticed_is_said(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_kind_found_instead_is_named() -> None:
    assert refused(b"\x1aE\xdf\xa3" + bytes(500))[1].endswith("Its content is WebM or Matroska.")


@pytest.mark.parametrize("kind", KINDS)
def test_cut_off_file_is_refused(kind: str) -> None:
    assert refusal(upload(kind)[: len(upload(kind)) * 2 // 3]) in {"truncated", "damaged"}


@pytest.mark.parametrize("kind", ["flac", "vorbis", "opus"])
def test_damaged_file_is_refused(kind: str) -> None:
    """WAV and MP3 carry nothing by which damage could be noticed."""
    data = bytearray(upload(kind))
    for place in np.random.default_rng(0).integers(len(data) // 3, len(data) * 2 // 3, 60):
        data[place] ^= 0xFF
    assert refusal(bytes(data)) in {"truncated", "damaged"}


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """An hour of stereo: 670 KB that decode to 691 MB."""
    return long_silence(3_600)


def test_bomb_is_refused_by_its_header(bomb: bytes) -> None:
    assert len(bomb) < 700_000
    assert refused(bomb) == (
        "too_long",
        "It is 60 minutes long. Choose a part of 10 to 30 seconds; the limit is 15 minutes.",
    )


def test_bomb_that_hides_its_length_is_stopped_on_the_way(bomb: bytes) -> None:
    assert refusal(claiming(bomb, 0)) == "too_long"


def test_three_hours_are_refused() -> None:
    three_hours = claiming(long_silence(10, rate_hz=8_000, channels=1), 3 * 3_600 * 8_000)
    assert "3.0 hours" in refused(three_hours)[1]


def test_many_channels_at_a_high_rate_are_refused() -> None:
    wide = long_silence(10, rate_hz=192_000, channels=8)
    assert refusal(claiming(wide, 120 * 192_000)) == "too_large"


def test_large_upload_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_UPLOAD_BYTES", 10_000)
    monkeypatch.setattr(decoding, "PROGRAM", Path("/nonexistent"))
    assert refusal(upload("flac")) == "too_large"


def test_child_that_takes_too_long_is_ended() -> None:
    assert refused(upload("flac"), wall_sec=0.01)[0] == "too_slow"


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (f"os.kill(os.getpid(), {int(signal.SIGXCPU)})", "too_slow"),
        (f"os.kill(os.getpid(), {int(signal.SIGSEGV)})", "damaged"),
        ("sys.exit(1)", "damaged"),
        ("os.write(2, b'[1]')", "damaged"),
    ],
    ids=["computing time", "crash", "fault", "nonsense"],
)
def test_child_that_dies_is_told_apart(ending: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"import os, sys\n{ending}")
    monkeypatch.setattr(decoding, "PROGRAM", program)
    assert refusal(upload("flac")) == code


CONFINED = """
import os, socket, sys
folder = os.listdir(".")
sys.path.insert(0, sys.argv[1])
from studies.voices.decoder import confine
confine()
def refuses(act):
    try:
        act()
    except (OSError, MemoryError):
        return True
    return False
print(
    refuses(lambda: open("/etc/passwd")),
    refuses(lambda: socket.create_connection(("127.0.0.1", 9))),
    refuses(lambda: bytearray(600 * 2**20)),
    sorted(os.environ),
    folder,
)
"""


def test_child_can_open_nothing_reach_nobody_and_take_little_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", CONFINED, str(decoding.ROOT)],
        env=decoding.ENVIRONMENT,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split(" ", 3)[:3] == ["True", "True", "True"]
    assert done.stdout.split(" ", 3)[3].strip() == f"{sorted(decoding.ENVIRONMENT)} []"


def test_child_has_twenty_seconds_of_computing_time() -> None:
    script = (
        "import resource, sys; sys.path.insert(0, sys.argv[1]); from studies.voices.decoder import confine; confine();"
        "print(*[resource.getrlimit(w)[0] for w in (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, str(decoding.ROOT)], capture_output=True, text=True, check=True
    )
    assert [int(limit) for limit in done.stdout.split()] == [20, 901 * SAMPLE_RATE_HZ * 2, 0]
    assert resource.getrlimit(resource.RLIMIT_CORE) != (20, 20)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    decode_upload([upload("flac")])
    refusal(b"Dear diary")
    assert list(tmp_path.iterdir()) == []


def test_long_recording_is_judged_by_parts_of_it() -> None:
    pcm = np.arange(300 * SAMPLE_RATE_HZ, dtype=np.int64) // SAMPLE_RATE_HZ
    judged = assessed(pcm.astype(np.int16)) * 32_768
    assert len(judged) == 120 * SAMPLE_RATE_HZ
    assert (judged[0], judged[-1]) == (0, 299)


def test_share_that_is_cut_off_is_found_below_full_scale() -> None:
    counts = np.zeros(4_097, np.int64)
    counts[:2_048] = 100
    assert clipped_share(counts) == pytest.approx(2 / 2_048)
    counts[2_047] = 20_000
    assert clipped_share(counts) > 0.08
