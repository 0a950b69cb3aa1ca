"""What a take needs from an inference worker, and what its participant and study allow that worker to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from inference.contract import catalog
from inference.contract.audio import samples_to_ms
from inference.contract.catalog import CONVERTERS, ENGINES
from inference.contract.presets import PRESETS
from studies.models import ConsentEvent, InferenceWorker, ProtocolVersion, Study, Trial


@dataclass(frozen=True, slots=True)
class Needs:
    """What a take needs.

    `third_party` allows the voice to be sent to somebody else, and `test_models` allows random weights to answer.
    `latency_samples` is the most latency that the converters may have; None sets no limit. `choices` are the options of
    which a worker may have only some values, such as a model, and the values needed."""

    engine: str
    converters: frozenset[str]
    third_party: bool
    test_models: bool
    latency_samples: int | None = None
    choices: tuple[tuple[str, str], ...] = ()


def needs_of(trial: Trial) -> Needs:
    """Returns the needs of a talk of this trial, given its session's current consent."""
    session, condition = trial.session, trial.condition
    return Needs(
        engine=condition.engine,
        converters=converters_of(trial.voices),
        third_party=ConsentEvent.Purpose.THIRD_PARTY in session.agreed,
        test_models=may_use_test_models(session.version),
        latency_samples=condition.latency_samples,
        choices=choices_of(condition.engine_options, condition.voice_prompt or trial.prompt.voice_prompt),
    )


def choices_of(options: Mapping[str, Any], voice_prompt: str) -> tuple[tuple[str, str], ...]:
    """Returns what is chosen by name among an engine's options, and the model's voice."""
    named = {name: value for name, value in options.items() if isinstance(value, str)}
    return tuple(sorted((named | ({"voice_prompt": voice_prompt} if voice_prompt else {})).items()))


def converters_of(voices: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Returns the converters of a voice schedule, including those that take over from a lost one."""
    fallbacks = {PRESETS[segment["if_lost"]].converter for segment in voices if segment.get("if_lost")}
    return frozenset(segment.get("converter", "none") for segment in voices) | fallbacks


def may_use_test_models(version: ProtocolVersion) -> bool:
    """Returns whether random weights may answer: never to participants, in a published version of an open study.

    A setting makes an exception for tests."""
    return bool(settings.ALLOW_TEST_MODELS) or version.published_at is None or version.study.state != Study.State.OPEN


def sends_to_third_party(engine: str, snapshot: Mapping[str, Any]) -> bool:
    """Returns whether the engine sends the voice to a third party. Some always do so, others only in some set-ups."""
    return catalog.sends_to_third_party(ENGINES.get(engine), snapshot)


def sends_away(engine: str, snapshot: Mapping[str, Any], voices: Iterable[Mapping[str, Any]]) -> str:
    """Returns the name of the engine or converter that sends the voice to a third party, or an empty text.

    `snapshot` is the engine's and `voices` are the converters', as an inference worker reported them."""
    if sends_to_third_party(engine, snapshot):
        return engine
    names = (str(voice.get("name", "")) for voice in voices if _converter_sends(str(voice.get("name", "")), voice))
    return next(names, "")


def sending(converters: Iterable[str], worker: InferenceWorker) -> str:
    """Returns the first of the worker's `converters` that sends the voice to a third party, or an empty text."""
    return next((name for name in sorted(converters) if _converter_sends(name, worker.snapshot_of(name))), "")


def _converter_sends(name: str, snapshot: Mapping[str, Any]) -> bool:
    return catalog.sends_to_third_party(CONVERTERS.get(name), snapshot)


def obstacle(needs: Needs, snapshot: Mapping[str, Any], voices: Iterable[Mapping[str, Any]] = ()) -> str:
    """Returns why an engine and converters with these snapshots may not be used, in words for a researcher, or an empty
    text."""
    sender = sends_away(needs.engine, snapshot, voices)
    if sender and not needs.third_party:
        return f"sends the voice for {sender} to a third party, without a consent to that (third_party)"
    if snapshot.get("test_only") and not needs.test_models:
        return f"runs {needs.engine} with random weights, for tests only (test_only), and the study is open"
    return ""


def obstacle_at(needs: Needs, worker: InferenceWorker) -> str:
    """Returns why a worker cannot be used, or an empty text if it serves all that is needed."""
    if needs.engine not in worker.engines:
        return f"does not run {needs.engine}"
    missing = needs.converters - set(worker.converters)
    if missing:
        return f"has no converter {_listed(missing)}"
    if needs.latency_samples is not None:
        for name, samples in sorted(worker.latency_samples.items()):
            if name in needs.converters and samples > needs.latency_samples:
                study_ms, worker_ms = samples_to_ms(needs.latency_samples), samples_to_ms(samples)
                return (
                    f"is later with {name} ({worker_ms:g} ms) than the study was published with ({study_ms:g} ms): "
                    "publish it again"
                )
    snapshot = worker.engines[needs.engine]
    offered = snapshot.get("choices", {}) if isinstance(snapshot, dict) else {}
    for name, value in needs.choices:
        if value not in offered.get(name, (value,)):
            return f"has no {name} {value!r} for {needs.engine}, only {_listed(offered[name])}"
    voices = [{**worker.snapshot_of(name), "name": name} for name in sorted(needs.converters)]
    return obstacle(needs, snapshot if isinstance(snapshot, dict) else {}, voices)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
