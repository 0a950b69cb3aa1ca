"""Tells researchers whether the open studies have an inference worker to serve them and, if not, why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from studies.models import Condition, ConsentEvent, InferenceWorker, ProtocolVersion, Study
from studies.talk.workers.needs import Needs, choices_of, converters_of, may_use_test_models, obstacle_at
from studies.talk.workers.reports import fresh


def unserved(studies: Iterable[Study]) -> dict[int, list[str]]:
    """Returns for each open study what no inference worker currently serves of its newest protocol, one line each.

    Studies that lack nothing are left out. This takes three queries, however many studies there are."""
    opened = {study.pk: study for study in studies if study.state == Study.State.OPEN}
    versions: dict[int, ProtocolVersion] = {}
    published = ProtocolVersion.objects.filter(study__in=opened, published_at__isnull=False)
    for version in published.order_by("number").select_related("study"):
        versions[version.study_id] = version
    problems: dict[int, list[str]] = {study: [] for study in versions}
    workers = list(fresh())
    by_version = {version.pk: version for version in versions.values()}
    for condition in Condition.objects.filter(version__in=by_version).order_by("id"):
        version = by_version[condition.version_id]
        problems[version.study_id].append(_problem(_needs(version, condition), workers))
    found: dict[int, list[str]] = {}
    for study, lines in problems.items():
        # a visitor who may choose is shown what is not there, and needs only one that is
        may_choose = versions[study].document.get("kind") == "explore"
        if any(lines) and not (may_choose and not all(lines)):
            found[study] = list(dict.fromkeys(line for line in lines if line))
    return found


def is_served(engine: str, options: Mapping[str, Any], voice_prompt: str) -> bool:
    """Returns whether an inference worker that reports now runs an engine with these options and this voice."""
    wanted = Needs(engine, frozenset(), third_party=True, test_models=True, choices=choices_of(options, voice_prompt))
    return any(not obstacle_at(wanted, worker) for worker in fresh())


def _needs(version: ProtocolVersion, condition: Condition) -> Needs:
    """Returns the needs of somebody who agreed to everything that the protocol asks for."""
    asked = {purpose.get("key") for purpose in version.document.get("consent", {}).get("purposes", ())}
    return Needs(
        engine=condition.engine,
        converters=converters_of(condition.voices),
        third_party=ConsentEvent.Purpose.THIRD_PARTY in asked,
        test_models=may_use_test_models(version),
        latency_samples=condition.latency_samples,
        choices=choices_of(condition.engine_options, condition.voice_prompt),
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
