"""Builds from a take's condition the request that goes to an inference worker."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.contract.presets import PRESETS
from inference.contract.tokens import SlotRequest, VoiceSegment
from studies.models import Take, Trial
from studies.publish import session_protocol


def asked_of_model(take: Take) -> dict[str, Any]:
    """Returns what a new take sends to the model: {engine, options, text_prompt, voice_prompt, seed}.

    This is stored in the take's row. Texts are in the session's language where the protocol has them in it."""
    trial = take.trial
    condition, prompt = trial.condition, trial.prompt
    own, given = _text_prompts(trial)
    return {
        "engine": condition.engine,
        "options": condition.engine_options,
        "text_prompt": "\n\n".join(text for text in (own, given) if text.strip()),
        "voice_prompt": condition.voice_prompt or prompt.voice_prompt,
        "seed": _model_seed(condition.seed, trial.session.seed, trial.position, take.number),
    }


def slot_request(take: Take) -> SlotRequest:
    """Returns the request for a take's slot, which names no person."""
    trial = take.trial
    asked = take.request or asked_of_model(take)
    segments = tuple(voice_segment(voice, asked["seed"]) for voice in trial.voices)
    return SlotRequest(
        take=str(take.pk),
        engine=asked["engine"],
        options=asked["options"],
        text_prompt=asked["text_prompt"],
        voice_prompt=asked["voice_prompt"],
        seed=asked["seed"],
        voices=segments or (VoiceSegment(seed=asked["seed"]),),
        latency_samples=trial.condition.latency_samples,
    )


def voice_segment(voice: Mapping[str, Any], seed: int) -> VoiceSegment:
    """Returns one segment of a stored voice schedule."""
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


def _text_prompts(trial: Trial) -> tuple[str, str]:
    """Returns the text prompts of the condition and of the prompt."""
    session = trial.session
    if session.language not in session.version.document.get("translations", {}):
        return trial.condition.text_prompt, trial.prompt.text_prompt
    protocol = session_protocol(session)
    return protocol.condition(trial.condition.key).text_prompt, protocol.prompt(trial.prompt.key).text_prompt


def _model_seed(policy: Mapping[str, Any], session_seed: int, position: int, number: int) -> int:
    """Returns the seed by the condition's policy (see `studies.protocol.cells.Seed`). It can be derived again."""
    match policy.get("policy"):
        case "fixed":
            return int(policy.get("value") or 0)
        case "session":
            return _seed(session_seed)
    return _seed(session_seed, position, number)


def _seed(*parts: int) -> int:
    """Returns a 31-bit seed that differs for different parts."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1
