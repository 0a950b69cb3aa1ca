"""What a take asks of an inference worker, from its condition."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from inference.audio import SAMPLE_RATE_HZ
from inference.presets import PRESETS
from inference.tokens import SlotRequest, VoiceSegment
from studies.models import Take


def slot_request(take: Take) -> SlotRequest:
    """Names no person. The seed follows from the session's, the trial and the attempt, so that it can be repeated."""
    trial = take.trial
    condition = trial.condition
    seed = _seed(trial.session.seed, trial.position, take.number)
    segments = tuple(voice_segment(voice, seed) for voice in trial.voices)
    return SlotRequest(
        take=str(take.pk),
        engine=condition.engine,
        options=condition.engine_options,
        text_prompt=condition.text_prompt,
        voice_prompt=condition.voice_prompt,
        seed=seed,
        voices=segments or (VoiceSegment(seed=seed),),
        latency_samples=condition.latency_samples,
    )


def voice_segment(voice: Mapping[str, Any], seed: int) -> VoiceSegment:
    """One segment of a stored voice schedule."""
    end_sec = voice.get("end_sec")
    return VoiceSegment(
        converter=voice["converter"],
        start_sample=_samples(voice.get("start_sec") or 0),
        end_sample=None if end_sec is None else _samples(end_sec),
        parameters=voice.get("parameters") or {},
        seed=seed,
        target=voice["target"]["sha256"] if voice.get("target") else "",
        fallback=PRESETS[voice["if_lost"]].converter if voice.get("if_lost") else "",
    )


def _samples(sec: float) -> int:
    return round(sec * SAMPLE_RATE_HZ)


def _seed(*parts: int) -> int:
    """31 bits that differ for every attempt."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1
