"""Turns protocol documents into studies: versions with their conditions and prompts, published and opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from studies.protocol.schema import Protocol
from studies.protocol.voices import check_delay, check_targets, common_latency_samples, resolved, targets_of

SCRATCH: Final = 0
"""Number of the version that previews of a draft are made of; published ones count from 1."""


def publication_problems(protocol: Protocol, study: Study | None) -> list[Problem]:
    """What keeps a valid protocol from being published in `study` (None: a new one) today: engines for tests alone,
    target voices that are not there, not its own, expired or withdrawn, and delays to be matched that nobody knows."""
    return [
        *check_publishable(protocol),
        *check_targets(protocol, _obstacles(_voices_for(study))),
        *check_delay(protocol, _told_latencies()),
    ]


@transaction.atomic
def publish(study: Study, protocol: Protocol) -> ProtocolVersion:
    """The newest version of `study`, now with `protocol` as its document; the one there is when nothing has changed.

    Sessions under way stay with the version they began with. Target voices are pinned: each condition keeps the very
    version, with its SHA-256, that is the newest now. So is the delay that all conditions have in common. Raises
    ProtocolError for what `publication_problems` names."""
    named = {key for _, key in targets_of(protocol)}
    # a speaker who withdraws in this moment waits until the voice is pinned, or is seen here
    list(TargetVoice.objects.select_for_update().filter(key__in=named).order_by("pk"))
    problems = publication_problems(protocol, study)
    if problems:
        raise ProtocolError(problems)
    Study.objects.select_for_update().get(pk=study.pk)  # two publications at once get two numbers
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
    """A version to look at `protocol` with before it is published: number 0, of which a study has one, and which nobody
    begins but by a preview. The one there is when it says the same. Voices that cannot be used are left out.

    Raises ProtectedError while sessions of another scratch version are there."""
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
    """Lets participants in. The database refuses an open study without either of the two."""
    study.ethics_reference = ethics_reference
    study.retention_until = retention_until
    study.state = Study.State.OPEN
    study.full_clean()
    study.save()


def proposed_retention(protocol: Protocol, today: date) -> date:
    """The day that the protocol's retention proposes for a study that opens today."""
    return today + timedelta(days=protocol.retention.days)


def session_protocol(session: Session) -> Protocol:
    """The protocol of a session, in the language the session is held in. Raises ProtocolError as below."""
    return protocol_of(session.version, session.language)


def protocol_of(version: ProtocolVersion, language: str = "") -> Protocol:
    """The protocol a version holds, with its texts in `language`; in its own where that is empty or not one of the
    study's. A stored version is read once a process. Raises ProtocolError when its document is from another schema."""
    if version.pk is None:
        return _read(version.document, language)
    return _read_stored(version.pk, version.sha256, language)


@lru_cache(maxsize=64)
def _read_stored(version_pk: int, _sha256: str, language: str) -> Protocol:
    return _read(ProtocolVersion.objects.get(pk=version_pk).document, language)


def _read(document: Mapping[str, Any], language: str) -> Protocol:
    protocol = parse_frozen(document)
    return localised(protocol, language) if language else protocol


def _voices_for(study: Study | None) -> dict[str, TargetVoiceVersion]:
    """The newest version of every target voice that a study may use, by the voice's key."""
    own = Q(study=None) if study is None else Q(study=None) | Q(study=study)
    versions = TargetVoiceVersion.objects.filter(voice__in=TargetVoice.objects.filter(own)).order_by("number")
    return {version.voice.key: version for version in versions.select_related("voice")}


def _obstacles(voices: Mapping[str, TargetVoiceVersion]) -> dict[str, str]:
    return {key: _obstacle(version) for key, version in voices.items()}


def _obstacle(version: TargetVoiceVersion) -> str:
    return version.obstacle_on(timezone.localdate())


def _told_latencies() -> dict[str, int]:
    """Of converters of which only inference workers know: the longest that any of them reported in the last day."""
    told: dict[str, int] = {}
    for reported in InferenceWorker.objects.values_list("latency_samples", flat=True):
        for converter, samples in reported.items():
            told[converter] = max(samples, told.get(converter, 0))
    return told


def _pinned(conditions: Iterable[Condition]) -> dict[str, tuple[list[dict[str, Any]], int | None]]:
    """What the document does not say."""
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
