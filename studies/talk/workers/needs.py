"""What a take needs from an inference worker, and what its participant and study allow that worker to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from inference.contract.audio import samples_to_ms
from inference.contract.catalog import ENGINES
from studies.models import Condition, ConsentEvent, InferenceWorker, ProtocolVersion, Session, Study


@dataclass(frozen=True, slots=True)
class Needs:
    """What a take needs.

    `third_party` allows the voice to be sent to somebody else, and `test_models` allows random weights to answer.
    `latency_samples` is the most latency that the converters may have; None sets no limit."""

    engine: str
    converters: frozenset[str]
    third_party: bool
    test_models: bool
    latency_samples: int | None = None


def needs_of(session: Session, condition: Condition) -> Needs:
    """Returns the needs of a talk of this session under this condition, given its current consent."""
    return Needs(
        engine=condition.engine,
        converters=converters_of(condition),
        third_party=session.consent(ConsentEvent.Purpose.THIRD_PARTY) is not None,
        test_models=may_use_test_models(session.version),
        latency_samples=condition.latency_samples,
    )


def converters_of(condition: Condition) -> frozenset[str]:
    return frozenset(segment.get("converter", "none") for segment in condition.voices)


def may_use_test_models(version: ProtocolVersion) -> bool:
    """Returns whether random weights may answer: never to participants, in a published version of an open study.

    A setting makes an exception for tests."""
    return bool(settings.ALLOW_TEST_MODELS) or version.published_at is None or version.study.state != Study.State.OPEN


def sends_to_third_party(engine: str, snapshot: Mapping[str, Any]) -> bool:
    """Returns whether the voice is sent to a third party. Some engines always do so, others only in some set-ups."""
    entry = ENGINES.get(engine)
    return bool(snapshot.get("third_party")) or (entry is not None and entry.third_party)


def obstacle(needs: Needs, snapshot: Mapping[str, Any]) -> str:
    """Returns why an engine with this snapshot may not be used, in words for a researcher, or an empty text."""
    if sends_to_third_party(needs.engine, snapshot) and not needs.third_party:
        return f"sends the voice for {needs.engine} to somebody else, without a consent to that (third_party)"
    if snapshot.get("test_only") and not needs.test_models:
        return f"runs {needs.engine} with random weights, for tests alone (test_only), and the study is open"
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
    return obstacle(needs, snapshot if isinstance(snapshot, dict) else {})


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
