"""Ogg-Opus in and out: what is not Opus is refused, and what comes after it is heard."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
import sphn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.errors import WireError
from inference.worker.doors.chat.opus import OpusInput, OpusOutput
from tests.extent import examples

CODEC_DELAY_SAMPLES = 155


def tone(frames: int) -> Float32:
    samples: Float32 = np.sin(2 * np.pi * 220 / SAMPLE_RATE_HZ * np.arange(frames * FRAME_SAMPLES), dtype=np.float32)
    return samples


def speech_like(frames: int) -> Float32:
    """Noise between 300 Hz and 3 kHz."""
    band = butter(2, [300 / 12_000, 3_000 / 12_000], "band", output="sos")
    noise = np.random.default_rng(0).normal(0, 0.3, frames * FRAME_SAMPLES)
    filtered: Float32 = sosfilt(band, noise).astype(np.float32)
    return filtered


def messages(samples: Float32, rate_hz: int = SAMPLE_RATE_HZ) -> list[bytes]:
    """What a stock client sends for them, 80 ms at a time."""
    writer = sphn.OpusStreamWriter(rate_hz)
    step = FRAME_SAMPLES * rate_hz // SAMPLE_RATE_HZ
    return [writer.append_pcm(samples[start : start + step]) for start in range(0, len(samples), step)]


def test_sound_comes_through_later_by_the_delay_of_the_codec() -> None:
    sent = speech_like(10)
    opus = OpusInput()
    heard = np.concatenate([frame for body in messages(sent) for frame in opus.push(body)])
    assert len(heard) == len(sent)
    late, early = heard[FRAME_SAMPLES:], sent[FRAME_SAMPLES:-400]
    likeness = [np.corrcoef(late[lag : lag + len(early)], early)[0, 1] for lag in range(400)]
    assert np.argmax(likeness) == CODEC_DELAY_SAMPLES


def test_frames_do_not_depend_on_how_pages_are_cut() -> None:
    bodies = messages(tone(6))
    whole, cut = OpusInput(), OpusInput()
    expected = [frame for body in bodies for frame in whole.push(body)]
    stream = b"".join(bodies)
    frames = [frame for start in range(0, len(stream), 61) for frame in cut.push(stream[start : start + 61])]
    assert np.array_equal(np.concatenate(frames), np.concatenate(expected))


def test_ten_seconds_in_one_message_are_heard_whole() -> None:
    assert len(OpusInput().push(b"".join(messages(tone(125))))) == 125


def test_sound_of_another_rate_is_heard_at_its_own_pitch() -> None:
    at_48_khz = (0.3 * np.sin(2 * np.pi * 440 / 48_000 * np.arange(96_000))).astype(np.float32)
    opus = OpusInput()
    heard = np.concatenate([frame for body in messages(at_48_khz, 48_000) for frame in opus.push(body)])
    spectrum = np.abs(np.fft.rfft(heard[:24_000]))
    assert np.argmax(spectrum) == 440


def test_header_that_names_44100_hz_is_welcome() -> None:
    first, *others = messages(tone(3))
    named = first[:40] + (44_100).to_bytes(4, "little") + first[44:]
    opus = OpusInput()
    assert [len(opus.push(body)) for body in (named, *others)] == [1, 1, 1]


@pytest.mark.parametrize(
    "bad", [bytes(200), b"RIFF" + bytes(60), b"OggS" + b"\xff" * 60], ids=["zeros", "RIFF", "OggS"]
)
def test_what_is_not_opus_is_refused_and_what_follows_is_heard(bad: bytes) -> None:
    bodies = messages(tone(4))
    opus = OpusInput()
    assert len(opus.push(bodies[0])) == 1
    with pytest.raises(WireError):
        opus.push(bad)
    assert [len(opus.push(body)) for body in bodies[1:]] == [1, 1, 1]


def test_page_broken_off_costs_no_other() -> None:
    bodies = messages(tone(4))
    opus = OpusInput()
    assert [len(opus.push(body)) for body in (bodies[0], bodies[1][:50], *bodies[2:])] == [1, 0, 1, 1]


@pytest.mark.parametrize(("container", "subtype"), [("OGG", "VORBIS"), ("FLAC", "PCM_16")])
def test_other_codecs_are_refused(container: str, subtype: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, tone(3), 44_100, format=container, subtype=subtype)
    with pytest.raises(WireError, match="expected Ogg-Opus"):
        OpusInput().push(file.getvalue())


def test_more_than_two_channels_are_refused() -> None:
    body = bytearray(messages(tone(1))[0])
    body[37] = 6
    with pytest.raises(WireError, match="6 channels"):
        OpusInput().push(bytes(body))


@settings(max_examples=examples(200), deadline=None)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_any_bytes_are_heard_or_refused(garbage: bytes, place: int) -> None:
    first, second = messages(tone(2))
    opus = OpusInput()
    for body in (first, second[:place] + garbage + second[place:]):
        try:
            frames = opus.push(body)
        except WireError:
            continue
        assert all(np.isfinite(frame).all() for frame in frames)


def test_output_begins_with_headers_and_can_be_read_by_the_stock_reader() -> None:
    opus, reader = OpusOutput(), sphn.OpusStreamReader(SAMPLE_RATE_HZ)
    pages = [opus.push(tone(1)) for _ in range(3)]
    assert pages[0][28:36] == b"OpusHead"
    assert [len(reader.append_bytes(page)) for page in pages] == [FRAME_SAMPLES] * 3
