"""Tells researchers whether the open studies have an inference worker to serve them and, if not, why."""

from __future__ import annotations

from collections.abc import Iterable

from studies.models import Condition, ConsentEvent, InferenceWorker, ProtocolVersion, Study
from studies.talk.workers.needs import Needs, converters_of, may_use_test_models, obstacle_at
from studies.talk.workers.reports import fresh


def unserved(studies: Iterable[Study]) -> dict[int, list[str]]:
    """Returns for each open study what no inference worker currently serves of its newest protocol, one line each.

    Studies that lack nothing are left out. This takes three queries, however many studies there are."""
    opened = {study.pk: study for study in studies if study.state == Study.State.OPEN}
    versions: dict[int, ProtocolVersion] = {}
    published = ProtocolVersion.objects.filter(study__in=opened, published_at__isnull=False)
    for version in published.order_by("number").select_related("study"):
        versions[version.study_id] = version
    found: dict[int, list[str]] = {}
    workers = list(fresh())
    by_version = {version.pk: version for version in versions.values()}
    for condition in Condition.objects.filter(version__in=by_version).order_by("id"):
        version = by_version[condition.version_id]
        problem = _problem(_needs(version, condition), workers)
        lines = found.setdefault(version.study_id, [])
        if problem and problem not in lines:
            lines.append(problem)
    return {study: lines for study, lines in found.items() if lines}


def _needs(version: ProtocolVersion, condition: Condition) -> Needs:
    """Returns the needs of somebody who agreed to everything that the protocol asks for."""
    asked = {purpose.get("key") for purpose in version.document.get("consent", {}).get("purposes", ())}
    return Needs(
        engine=condition.engine,
        converters=converters_of(condition.voices),
        third_party=ConsentEvent.Purpose.THIRD_PARTY in asked,
        test_models=may_use_test_models(version),
        latency_samples=condition.latency_samples,
    )


def _problem(needs: Needs, workers: Iterable[InferenceWorker]) -> str:
    """Returns why no worker serves all that is needed, or an empty text if one does."""
    obstacles = {worker.name: obstacle_at(needs, worker) for worker in workers}
    if not obstacles:
        return f"No machine answers as {needs.engine}: no inference worker reports."
    if not all(obstacles.values()):
        return ""
    why = "; ".join(f"{name} {obstacle}" for name, obstacle in sorted(obstacles.items()))
    return f"No machine answers as {needs.engine}: {why}."
