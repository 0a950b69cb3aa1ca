"""Files as pipes, recorders and encoders that stream leave them."""

from __future__ import annotations

import io
import struct
from functools import cache

import numpy as np
import pytest
import soundfile
import sphn

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.sound_files.checksums import checksum
from inference.contract.sound_files.mp3 import frame_of
from inference.contract.sound_files.reading import read_mono, whole
from inference.contract.sound_files.refusals import SoundRefused

SECONDS = 2
TAG = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)


@cache
def sound() -> Float32:
    """A glide, unlike itself at any other place."""
    time_sec = np.arange(SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    noise = 0.05 * np.random.default_rng(0).standard_normal(len(time_sec))
    return np.asarray(0.3 * np.sin(2 * np.pi * (150 + 60 * time_sec) * time_sec) + noise, np.float32)


def encoded(container: str, codec: str = "PCM_16", samples: Float32 | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound() if samples is None else samples, SAMPLE_RATE_HZ, format=container, subtype=codec)
    return file.getvalue()


def wav(riff_size: int, data_size: int) -> bytes:
    content = bytearray(encoded("WAV"))
    content[4:8], content[40:44] = struct.pack("<I", riff_size), struct.pack("<I", data_size)
    return bytes(content)


def rf64(size: int) -> bytes:
    """RF64 whose chunk of long sizes says `size`, twice."""
    content = bytearray(encoded("RF64"))
    content[20:36] = struct.pack("<QQ", size, size)
    return bytes(content)


def w64(size: int) -> bytes:
    content = bytearray(encoded("W64"))
    at = content.find(b"data\xf3\xac") + 16
    content[at : at + 8] = struct.pack("<Q", size)
    return bytes(content)


def uncounted(flac: bytes) -> bytes:
    content = bytearray(flac)
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    return bytes(content)


def unended(ogg: bytes) -> bytes:
    """Without the mark of the last page, with the right checksum."""
    content = bytearray(ogg)
    at = content.rfind(b"OggS")
    content[at + 5] = 0
    content[at + 22 : at + 26] = bytes(4)
    content[at + 22 : at + 26] = checksum(bytes(content[at:]), 0x04C11DB7, 32).to_bytes(4, "little")
    return bytes(content)


def uncounted_mp3() -> bytes:
    """Without its first frame, which has the count and no sound."""
    content = encoded("MP3", "MPEG_LAYER_III")
    first = frame_of(content[:4])
    assert first is not None
    return content[first.size :]


def refusal(content: bytes) -> str:
    with pytest.raises(SoundRefused) as caught:
        read_mono(content)
    return caught.value.code


@pytest.mark.parametrize(
    ("riff_size", "data_size"),
    [
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x7FFFF024, 0x7FFFF000),
        (0x7FFFFFFF, 0x7FFFFFFF),
        (0x80000024, 0x80000000),
        (2_000_000_036, 2_000_000_000),
        (0, 0),
        (36, 0),
        (0xFFFFFFFF, 0),
        (96_036, 0xFFFFFFFF),
        (0, 96_000),
        (96_044, 96_000),
        (0xFFFFFFFF, 96_000),
        (96_036, 96_036),
        (96_044, 96_044),
    ],
    ids=[
        "ffmpeg",
        "sox",
        "largest signed",
        "arecord",
        "a thousand million samples",
        "zeros",
        "wave module into a pipe",
        "riff open, data zero",
        "data open alone",
        "riff zero alone",
        "riff with its own head",
        "riff open alone",
        "data with the heads",
        "data with all heads",
    ],
)
def test_wav_with_a_placeholder_is_read_to_its_end(riff_size: int, data_size: int) -> None:
    samples, rate_hz = read_mono(wav(riff_size, data_size))
    assert rate_hz == SAMPLE_RATE_HZ
    np.testing.assert_array_equal(samples, read_mono(encoded("WAV"))[0])
    assert len(samples) == len(sound())


@pytest.mark.parametrize(
    "content",
    [
        encoded("RF64"),
        rf64(0),
        rf64(2**64 - 1),
        rf64(2**63 - 1).replace(b"RF64", b"BW64"),
        encoded("W64"),
        w64(0),
        w64(2**63 - 1),
        TAG + encoded("WAV"),
        encoded("WAV") + b"LIST\x04\x00\x00\x00INFO",
        wav(0xFFFFFFFF, 0xFFFFFFFF) + b"\x00",  # half a sample
    ],
    ids=["rf64", "rf64 zero", "rf64 open", "bw64", "w64", "w64 zero", "w64 open", "tag", "chunk behind", "odd byte"],
)
def test_relatives_of_wav_are_read_to_their_end(content: bytes) -> None:
    np.testing.assert_array_equal(read_mono(content)[0], read_mono(encoded("WAV"))[0])


@pytest.mark.parametrize("codec", ["PCM_U8", "PCM_24", "FLOAT", "ULAW"])
def test_every_codec_of_wav_survives(codec: str) -> None:
    expected = soundfile.read(io.BytesIO(encoded("WAV", codec)), dtype="float32")[0]
    np.testing.assert_array_equal(read_mono(encoded("WAV", codec))[0], expected)


def test_wav_without_sound_stays_without() -> None:
    nothing = encoded("WAV", samples=np.zeros(0, np.float32))
    assert [len(read_mono(each)[0]) for each in (nothing, nothing + b"LIST\x04\x00\x00\x00INFO")] == [0, 0]


@pytest.mark.parametrize("tags", [b"", TAG, TAG + TAG], ids=["bare", "tag", "two tags"])
def test_flac_that_was_not_counted_is_counted(tags: bytes) -> None:
    counted = encoded("FLAC")
    assert whole(tags + uncounted(counted)) == counted
    assert whole(tags + counted) == counted


@pytest.mark.parametrize(("codec", "likeness"), [("VORBIS", 0.97), ("OPUS", 0.9)])
def test_ogg_needs_no_mark_of_its_end(codec: str, likeness: float) -> None:
    samples, rate_hz = read_mono(unended(encoded("OGG", codec)))
    assert (len(samples), rate_hz) == (len(sound()), SAMPLE_RATE_HZ)
    assert np.corrcoef(samples, sound())[0, 1] > likeness


def test_what_our_own_encoder_writes_is_read() -> None:
    writer = sphn.OpusStreamWriter(SAMPLE_RATE_HZ)
    pages = [writer.append_pcm(sound()[at : at + 1_920]) for at in range(0, len(sound()), 1_920)]
    samples, rate_hz = read_mono(b"".join(page for page in pages if page))
    assert (rate_hz, len(samples)) == (48_000, 92_160)


def test_mp3_without_a_count_is_read_to_its_end() -> None:
    """libsndfile guesses its length from the first frame and would leave away more than half of it."""
    guessed = len(soundfile.read(io.BytesIO(uncounted_mp3()))[0])
    samples, _ = read_mono(uncounted_mp3())
    assert guessed < len(sound()) // 2
    assert len(sound()) <= len(samples) <= len(sound()) + 2 * 1_152


@pytest.mark.parametrize(
    "content",
    [
        encoded("WAV")[:-2],
        encoded("WAV")[:60_000],
        encoded("RF64")[:-2],
        encoded("W64")[:-8],
        uncounted(encoded("FLAC"))[:-1],
        uncounted(encoded("FLAC"))[:50_000],
        encoded("OGG", "OPUS")[:-1],
        unended(encoded("OGG", "VORBIS"))[:-40],
        encoded("MP3", "MPEG_LAYER_III")[:-1],
        uncounted_mp3()[:-1],
        TAG[:60],
    ],
    ids=["wav", "wav half", "rf64", "w64", "flac", "flac half", "opus", "vorbis", "mp3", "uncounted mp3", "tag"],
)
def test_what_was_cut_off_is_refused(content: bytes) -> None:
    assert refusal(content) == "truncated"


@pytest.mark.parametrize(
    "content",
    [
        2 * encoded("OGG", "OPUS"),
        2 * unended(encoded("OGG", "VORBIS")),
        2 * encoded("FLAC"),
        2 * uncounted(encoded("FLAC")),
        2 * encoded("WAV"),
        2 * wav(0xFFFFFFFF, 0xFFFFFFFF),
        2 * encoded("MP3", "MPEG_LAYER_III"),
        uncounted_mp3() + TAG + uncounted_mp3(),
    ],
    ids=["opus", "vorbis", "flac", "uncounted flac", "wav", "open wav", "mp3", "tagged mp3"],
)
def test_several_recordings_in_one_file_are_noticed(content: bytes) -> None:
    assert refusal(content) == "chained"


def test_channels_that_cancel_each_other_are_noticed() -> None:
    one, other = sound(), np.roll(sound(), 7_000)
    assert refusal(encoded("WAV", samples=np.stack([one, -one], 1))) == "antiphase"
    assert refusal(encoded("WAV", samples=np.stack([one, -0.9 * one], 1))) == "antiphase"
    for right in (one, other, 0 * one):  # the same, another sound, none
        samples, _ = read_mono(encoded("WAV", "FLOAT", np.stack([one, right], 1)))
        np.testing.assert_allclose(samples, (one + right) / 2, atol=1e-6)


def test_silence_is_no_antiphase() -> None:
    assert not read_mono(encoded("WAV", samples=np.zeros((24_000, 2), np.float32)))[0].any()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"Dear diary", "damaged"),
        (encoded("WAV", "FLOAT", np.full(24_000, np.nan, np.float32)), "damaged"),
    ],
    ids=["empty", "text", "not numbers"],
)
def test_what_is_no_sound_is_refused(content: bytes, code: str) -> None:
    assert refusal(content) == code
