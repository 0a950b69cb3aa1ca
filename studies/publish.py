"""Turns protocol documents into studies: versions with their conditions and prompts, published and opened."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from studies.errors import ProtocolError
from studies.models import Condition, Prompt, ProtocolVersion, Study
from studies.protocol.document import parse, sha256_of, to_document
from studies.protocol.rules import check_publishable
from studies.protocol.schema import ConditionCell, Protocol
from studies.protocol.voices import resolved


@transaction.atomic
def publish(study: Study, protocol: Protocol) -> ProtocolVersion:
    """The newest version of `study`, now with `protocol` as its document; the one there is when nothing has changed.

    Sessions under way stay with the version they began with. Raises ProtocolError for engines that only serve tests."""
    problems = check_publishable(protocol)
    if problems:
        raise ProtocolError(problems)
    Study.objects.select_for_update().get(pk=study.pk)  # two publications at once get two numbers
    current = study.current_version
    digest = sha256_of(protocol)
    if current is not None and current.sha256 == digest:
        return current
    last = study.versions.aggregate(last=Max("number"))["last"] or 0
    version = ProtocolVersion.objects.create(
        study=study, number=last + 1, document=to_document(protocol), sha256=digest, published_at=timezone.now()
    )
    Prompt.objects.bulk_create(
        Prompt(version=version, key=prompt.key, title=prompt.title, card=prompt.card, limit_sec=prompt.limit_sec)
        for prompt in protocol.prompts
    )
    Condition.objects.bulk_create(_condition(version, cell) for cell in protocol.cells())
    return version


def open_study(study: Study, *, ethics_reference: str, retention_until: date) -> None:
    """Lets participants in. The database refuses an open study without either of the two."""
    study.ethics_reference = ethics_reference
    study.retention_until = retention_until
    study.state = Study.State.OPEN
    study.full_clean()
    study.save()


def protocol_of(version: ProtocolVersion) -> Protocol:
    """The protocol a version holds. Raises ProtocolError when its document is from another schema."""
    return parse(version.document)


def _condition(version: ProtocolVersion, cell: ConditionCell) -> Condition:
    return Condition(
        version=version,
        key=cell.key,
        label=cell.label,
        engine=cell.engine,
        engine_options=cell.options,
        text_prompt=cell.text_prompt,
        voice_prompt=cell.voice_prompt,
        voices=[resolved(segment) for segment in cell.voices],
    )
