"""Publishes protocols as versions of studies, with their conditions and prompts, and opens studies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from studies.errors import Problem, ProtocolError
from studies.models import (
    Condition,
    InferenceWorker,
    PinnedVoice,
    Prompt,
    ProtocolVersion,
    Session,
    Study,
    TargetVoice,
    TargetVoiceVersion,
)
from studies.protocol.cells import ConditionCell
from studies.protocol.languages import localised
from studies.protocol.reading.document import parse_frozen, sha256_of, to_document
from studies.protocol.rules import check_publishable
from studies.protocol.rules.columns import check_versions
from studies.protocol.schema import Protocol
from studies.protocol.voices import check_delay, check_targets, common_latency_samples, resolved, targets_of

SCRATCH: Final = 0
"""Number of the version that previews of a draft use. Published versions are numbered from 1."""


def publication_problems(protocol: Protocol, study: Study | None) -> list[Problem]:
    """Returns why a valid protocol cannot be published in `study` (None: a new one) today.

    Reasons are engines that are only for tests; target voices that do not exist, belong to another study, have expired
    or were withdrawn; converters whose delay is to be matched but not known; and items whose columns in the exports are
    those of others in earlier versions."""
    return [
        *check_publishable(protocol),
        *check_targets(protocol, _obstacles(_voices_for(study))),
        *check_delay(protocol, _told_latencies()),
        *(check_versions(protocol, _published(study)) if study is not None else ()),
    ]


@transaction.atomic
def publish(study: Study, protocol: Protocol) -> ProtocolVersion:
    """Publishes `protocol` as a new version of `study` and returns it, or the current version if nothing has changed.

    Sessions in progress keep the version they began with. Each condition pins the newest version of its target voices,
    with its SHA-256, and the delay that all conditions have in common. Raises ProtocolError with the problems that
    `publication_problems` returns."""
    named = {key for _, key in targets_of(protocol)}
    # The lock makes a speaker's simultaneous withdrawal take effect either before the check below or after pinning.
    list(TargetVoice.objects.select_for_update().filter(key__in=named).order_by("pk"))
    problems = publication_problems(protocol, study)
    if problems:
        raise ProtocolError(problems)
    Study.objects.select_for_update().get(pk=study.pk)  # Simultaneous publications get different numbers.
    current = study.current_version
    digest = sha256_of(protocol)
    pins = {key: version for key, version in _voices_for(study).items() if key in named}
    latency_samples = common_latency_samples(protocol, _told_latencies())
    conditions = [_condition(cell, pins, latency_samples) for cell in protocol.cells()]
    if current is not None and current.sha256 == digest and _pinned(current.conditions.all()) == _pinned(conditions):
        return current
    last = study.versions.aggregate(last=Max("number"))["last"] or 0
    version = ProtocolVersion(study=study, number=last + 1, published_at=timezone.now())
    return _create(version, protocol, conditions, pins)


@transaction.atomic
def scratch_version(study: Study, protocol: Protocol) -> ProtocolVersion:
    """Returns the unpublished version (number 0) of `study` in which previews of `protocol` are held.

    A study has only one; it is reused if its content is the same, and replaced otherwise. Voices that cannot be used
    are left out. Raises ProtectedError if the version to be replaced still has sessions."""
    Study.objects.select_for_update().get(pk=study.pk)
    named = {key for _, key in targets_of(protocol)}
    pins = {key: version for key, version in _voices_for(study).items() if key in named and not _obstacle(version)}
    latency_samples = common_latency_samples(protocol, _told_latencies())
    conditions = [_condition(cell, pins, latency_samples) for cell in protocol.cells()]
    there = study.versions.filter(number=SCRATCH).first()
    if there is not None:
        if there.sha256 == sha256_of(protocol) and _pinned(there.conditions.all()) == _pinned(conditions):
            return there
        there.delete()
    return _create(ProtocolVersion(study=study, number=SCRATCH), protocol, conditions, pins)


def _create(
    version: ProtocolVersion,
    protocol: Protocol,
    conditions: list[Condition],
    pins: Mapping[str, TargetVoiceVersion],
) -> ProtocolVersion:
    version.document, version.sha256 = to_document(protocol), sha256_of(protocol)
    version.save()
    Prompt.objects.bulk_create(
        Prompt(
            version=version,
            key=prompt.key,
            title=prompt.title,
            card=prompt.whole_card,
            limit_sec=prompt.limit_sec,
            text_prompt=prompt.text_prompt,
            voice_prompt=prompt.voice_prompt,
        )
        for prompt in protocol.prompts
    )
    for condition in conditions:
        condition.version = version
    Condition.objects.bulk_create(conditions)
    PinnedVoice.objects.bulk_create(
        PinnedVoice(condition=condition, voice_version=pins[key])
        for condition in conditions
        for key in {target["key"] for target in condition.targets}
    )
    return version


def open_study(study: Study, *, ethics_reference: str, retention_until: date) -> None:
    """Opens a study to participants. Raises ValidationError if the ethics reference or the retention date is missing.

    The database also refuses an open study without them."""
    study.ethics_reference = ethics_reference
    study.retention_until = retention_until
    study.state = Study.State.OPEN
    study.full_clean()
    study.save()


def proposed_retention(protocol: Protocol, today: date) -> date:
    """Returns the retention date that the protocol proposes for a study that opens `today`."""
    return today + timedelta(days=protocol.retention.days)


def session_protocol(session: Session) -> Protocol:
    """Returns the protocol of a session in the session's language. Raises ProtocolError as `protocol_of` does."""
    return protocol_of(session.version, session.language)


def protocol_of(version: ProtocolVersion, language: str = "") -> Protocol:
    """Returns the protocol of a version with its texts in `language`, or in the study's own language if `language` is
    empty or not one of the study's.

    Stored versions are cached in each process. Raises ProtocolError if the document's schema is not supported."""
    if version.pk is None:
        return _read(version.document, language)
    return _read_stored(version.pk, version.sha256, language)


@lru_cache(maxsize=64)
def _read_stored(version_pk: int, _sha256: str, language: str) -> Protocol:
    return _read(ProtocolVersion.objects.get(pk=version_pk).document, language)


def _read(document: Mapping[str, Any], language: str) -> Protocol:
    protocol = parse_frozen(document)
    return localised(protocol, language) if language else protocol


def _published(study: Study) -> dict[int, Protocol]:
    """By their numbers; without those of a schema that is no longer read."""
    protocols: dict[int, Protocol] = {}
    for version in study.versions.filter(published_at__isnull=False).order_by("number"):
        with suppress(ProtocolError):
            protocols[version.number] = protocol_of(version)
    return protocols


def _voices_for(study: Study | None) -> dict[str, TargetVoiceVersion]:
    """Maps the key of every target voice that a study may use to its newest version."""
    own = Q(study=None) if study is None else Q(study=None) | Q(study=study)
    versions = TargetVoiceVersion.objects.filter(voice__in=TargetVoice.objects.filter(own)).order_by("number")
    return {version.voice.key: version for version in versions.select_related("voice")}


def _obstacles(voices: Mapping[str, TargetVoiceVersion]) -> dict[str, str]:
    return {key: _obstacle(version) for key, version in voices.items()}


def _obstacle(version: TargetVoiceVersion) -> str:
    return version.obstacle_on(timezone.localdate())


def _told_latencies() -> dict[str, int]:
    """Maps each converter to the longest delay, in samples, that any inference worker seen in the last day reported.

    Some converters run on servers of their own, and only the workers that are connected to them know their delay."""
    told: dict[str, int] = {}
    for reported in InferenceWorker.objects.values_list("latency_samples", flat=True):
        for converter, samples in reported.items():
            told[converter] = max(samples, told.get(converter, 0))
    return told


def _pinned(conditions: Iterable[Condition]) -> dict[str, tuple[list[dict[str, Any]], int | None]]:
    """Returns what was pinned for each condition, which the document does not contain."""
    return {condition.key: (condition.targets, condition.latency_samples) for condition in conditions}


def _condition(cell: ConditionCell, pins: Mapping[str, TargetVoiceVersion], latency_samples: int | None) -> Condition:
    targets = {
        key: {"key": key, "name": version.voice.name, "version": version.number, "sha256": version.sha256}
        for key, version in pins.items()
    }
    return Condition(
        key=cell.key,
        label=cell.label,
        engine=cell.engine,
        engine_options=cell.options,
        text_prompt=cell.text_prompt,
        voice_prompt=cell.voice_prompt,
        seed={"policy": cell.seed.policy, "value": cell.seed.value},
        intended=cell.intended or "",
        voices=[resolved(segment, targets) for segment in cell.voices],
        latency_samples=latency_samples,
    )
