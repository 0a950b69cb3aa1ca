"""What a take needs of an inference worker, and what its participant and its study let that worker be."""

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
    """`third_party`: the voice may be sent to somebody else. `test_models`: random weights may answer.
    `latency_samples`: the converters may be so late at most; None: as late as they are."""

    engine: str
    converters: frozenset[str]
    third_party: bool
    test_models: bool
    latency_samples: int | None = None


def needs_of(session: Session, condition: Condition) -> Needs:
    """Of a talk of this session under this condition, with the consent as it is now."""
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
    """Never where participants are: in a published version of an open study. Settings make an exception for tests."""
    return bool(settings.ALLOW_TEST_MODELS) or version.published_at is None or version.study.state != Study.State.OPEN


def sends_to_third_party(engine: str, snapshot: Mapping[str, Any]) -> bool:
    """Whether the voice leaves for somebody else: always with some engines, with others by where they are set up."""
    entry = ENGINES.get(engine)
    return bool(snapshot.get("third_party")) or (entry is not None and entry.third_party)


def obstacle(needs: Needs, snapshot: Mapping[str, Any]) -> str:
    """Why an engine that runs so is not used, in words for a researcher; empty when nothing speaks against it."""
    if sends_to_third_party(needs.engine, snapshot) and not needs.third_party:
        return f"sends the voice for {needs.engine} to somebody else, without a consent to that (third_party)"
    if snapshot.get("test_only") and not needs.test_models:
        return f"runs {needs.engine} with random weights, for tests alone (test_only), and the study is open"
    return ""


def obstacle_at(needs: Needs, worker: InferenceWorker) -> str:
    """Why a worker is not used; empty when it serves all that is needed."""
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
