"""What is a good reference, and why the others are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from studies.voices.quality import assess
from tests.signals import noise, silence, tone
from tests.studies.voices.recordings import babble, melody

HIGH = {"f0_hz": 210.0, "tract": 1.17, "seed": 3}
LOW = {"f0_hz": 100.0, "tract": 1.0, "seed": 5}


def judged(samples: Float32, clipped_share: float = 0.0, rate_hz: int = 48_000) -> dict[str, str]:
    """check -> verdict"""
    return {f["check"]: f["verdict"] for f in assess(samples, clipped_share, rate_hz)["findings"]}


def found(samples: Float32, check: str) -> dict[str, Any]:
    [finding] = [f for f in assess(samples, 0.0, 48_000)["findings"] if f["check"] == check]
    return dict(finding)


def with_noise(samples: Float32, ratio_db: float) -> Float32:
    power = np.mean(samples[np.abs(samples) > 0.01] ** 2)
    hiss = np.random.default_rng(0).standard_normal(len(samples))
    return np.asarray(samples + hiss * np.sqrt(power / 10 ** (ratio_db / 10)), np.float32)


def test_speech_of_one_person_is_good() -> None:
    result = assess(babble(15, **HIGH), 0.0, 48_000)
    assert (result["verdict"], {f["verdict"] for f in result["findings"]}) == ("ok", {"ok"})
    assert [f["check"] for f in result["findings"]] == [
        "speech",
        "likeness",
        "speakers",
        "noise",
        "level",
        "clipping",
        "rate",
    ]


def test_judging_twice_gives_the_same() -> None:
    assert assess(babble(6, **LOW), 0.0, 48_000) == assess(babble(6, **LOW), 0.0, 48_000)


@pytest.mark.parametrize("samples", [silence(10), noise(10, peak=1e-4)], ids=["zeros", "hiss of a closed microphone"])
def test_silent_recording_is_refused_for_that_alone(samples: Float32) -> None:
    result = assess(samples, 0.0, 48_000)
    assert (result["verdict"], [f["check"] for f in result["findings"]]) == ("refused", ["level"])


@pytest.mark.parametrize(
    "samples",
    [melody(15), melody(12, (440, 494, 523, 587), 0.25), tone(220, 10), noise(10), tone(100, 10) + noise(10, 0.1)],
    ids=["melody over a chord", "fast melody", "tone", "noise", "hum"],
)
def test_what_is_not_speech_is_refused(samples: Float32) -> None:
    refused = {check for check, verdict in judged(samples).items() if verdict == "refused"}
    assert refused & {"speech", "likeness"}


def test_music_that_stops_between_phrases_is_refused() -> None:
    phrase = np.concatenate([melody(2.5), silence(0.6)])
    finding = found(np.tile(phrase, 5), "likeness")
    assert finding["verdict"] == "refused"
    assert "its pitch stays on notes, as in music" in finding["text"]


@pytest.mark.parametrize("order", ["one after the other", "in turns"])
def test_two_speakers_are_refused(order: str) -> None:
    low, high = babble(12, **LOW), babble(12, **HIGH)
    if order == "in turns":
        turns = [voice[start : start + 48_000] for start in range(0, len(low), 48_000) for voice in (low, high)]
        joined = np.concatenate(turns)
    else:
        joined = np.concatenate([low, high])
    finding = found(joined, "speakers")
    assert (finding["verdict"], finding["text"].partition(",")[0]) == ("refused", "It looks like two speakers")
    assert finding["value"] == pytest.approx(12 * np.log2(210 / 100), abs=2)


@pytest.mark.parametrize(("sec", "verdict"), [(2.5, "refused"), (7, "warning"), (15, "ok")])
def test_amount_of_speech(sec: float, verdict: str) -> None:
    assert judged(babble(sec, **HIGH))["speech"] == verdict


def test_pauses_are_no_speech() -> None:
    samples = np.concatenate([babble(2.5, **HIGH), noise(20, peak=1e-3)])
    assert found(samples, "speech")["verdict"] == "refused"


@pytest.mark.parametrize(("ratio_db", "verdict"), [(30, "ok"), (15, "warning"), (6, "refused")])
def test_noise(ratio_db: float, verdict: str) -> None:
    assert judged(with_noise(babble(15, **HIGH), ratio_db))["noise"] == verdict


def test_pauses_that_were_cut_out_do_not_hide_the_noise() -> None:
    noisy = with_noise(babble(15, **HIGH), 15)
    gated = np.where(np.repeat(np.arange(len(noisy) // 24_000 + 1) % 5 == 4, 24_000)[: len(noisy)], 0, noisy)
    assert found(gated.astype(np.float32), "noise")["value"] == pytest.approx(found(noisy, "noise")["value"], abs=3)


@pytest.mark.parametrize(("share", "verdict"), [(0.0, "ok"), (0.002, "warning"), (0.05, "refused")])
def test_clipping(share: float, verdict: str) -> None:
    assert judged(babble(6, **HIGH), clipped_share=share)["clipping"] == verdict


@pytest.mark.parametrize(("gain", "verdict"), [(1.0, "ok"), (0.01, "warning")])
def test_level(gain: float, verdict: str) -> None:
    assert judged((gain * babble(6, **HIGH)).astype(np.float32))["level"] == verdict


def test_telephone_quality_is_a_warning() -> None:
    assert judged(babble(6, **HIGH), rate_hz=8_000)["rate"] == "warning"


def test_too_little_speech_tells_nothing_of_its_speakers() -> None:
    finding = found(babble(3.2, **HIGH), "speakers")
    assert (finding["verdict"], finding["value"]) == ("warning", None)


@pytest.mark.parametrize("samples", [babble(0.02, **HIGH), babble(0.02, **HIGH)[:0]], ids=["20 ms", "nothing"])
def test_next_to_nothing_is_refused(samples: Float32) -> None:
    assert assess(samples, 0.0, SAMPLE_RATE_HZ)["verdict"] == "refused"
