"""Lets a person in: session, consent, a place in the balanced allocation, the plan of trials."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.db.models import Max

from studies.design.plan import arm_count, block_of_arms, plan_trials
from studies.models import AllocationSlot, ConsentEvent, Participant, ProtocolVersion, Session, Trial
from studies.participant.codes import participant_code
from studies.protocol.document import sha256_of
from studies.protocol.schema import Protocol
from studies.publish import protocol_of

ATTEMPTS = 5


def begin(version: ProtocolVersion, token: str) -> Session:
    """The session of `token`; a new one with a new participant the first time, the same however often it is sent."""
    for _ in range(ATTEMPTS):
        session = Session.objects.filter(token=token, version__study=version.study).first()
        if session is not None:
            return session
        try:
            with transaction.atomic():
                participant = Participant.objects.create(study=version.study, code=participant_code())
                return Session.objects.create(
                    participant=participant, version=version, token=token, seed=secrets.randbits(48)
                )
        except IntegrityError:
            continue  # sent twice at once, or a code that is taken: look again
    raise RuntimeError("no free participant code after several attempts")


@transaction.atomic
def agree(session: Session, granted: Collection[str]) -> None:
    """Records what was agreed to, purpose by purpose, takes a place in the allocation and plans the trials. Once."""
    session = Session.objects.select_for_update(of=("self",)).select_related("version").get(pk=session.pk)
    if session.state != Session.State.STARTED or session.consent("participate") is not None:
        return
    protocol = protocol_of(session.version)
    _record(session, protocol, granted)
    session.arm = allocate(session, protocol).arm if protocol.pairs else 0
    session.save(update_fields=["arm", "seen_at"])
    prompts = {prompt.key: prompt for prompt in session.version.prompts.all()}
    conditions = {condition.key: condition for condition in session.version.conditions.all()}
    Trial.objects.bulk_create(
        Trial(
            session=session,
            position=planned.position,
            prompt=prompts[planned.prompt],
            condition=conditions[planned.condition],
            pair=planned.pair,
            side=planned.side,
        )
        for planned in plan_trials(protocol, session.arm, session.seed)
    )


@transaction.atomic
def decline(session: Session) -> None:
    """Records the refusal. The session keeps nothing else and cannot go on."""
    session = Session.objects.select_for_update(of=("self",)).select_related("version").get(pk=session.pk)
    if session.state != Session.State.STARTED or session.consent("participate") is not None:
        return
    _record(session, protocol_of(session.version), ())
    session.state = Session.State.DECLINED
    session.save(update_fields=["state", "seen_at"])


def allocate(session: Session, protocol: Protocol) -> AllocationSlot:
    """Takes the first free place; opens the next block when all are taken. Call inside a transaction.

    People who agree at once take turns on the version's row, so that no place is given twice and no block is opened
    while another has room."""
    version = ProtocolVersion.objects.select_for_update(no_key=True).get(pk=session.version_id)
    slots = AllocationSlot.objects.filter(version=version)
    free = slots.filter(session=None).order_by("block", "position")
    if not free.exists():
        last = slots.aggregate(last=Max("block"))["last"]
        block = 0 if last is None else last + 1
        arms = block_of_arms(arm_count(protocol), block, version.sha256)
        AllocationSlot.objects.bulk_create(
            AllocationSlot(version=version, block=block, position=position, arm=arm)
            for position, arm in enumerate(arms)
        )
    slot = free[0]
    slot.session = session
    slot.save(update_fields=["session"])
    return slot


def _record(session: Session, protocol: Protocol, granted: Collection[str]) -> None:
    digest = sha256_of(protocol.consent)
    for purpose in protocol.consent.purposes:
        ConsentEvent.objects.create(
            session=session, purpose=purpose.key, granted=purpose.key in granted, document_sha256=digest
        )
