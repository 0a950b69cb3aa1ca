"""Enrols participants: creates the session, records consent, takes a place in the allocation and plans the trials."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.utils import timezone

from studies.allocation.places import allocate, free, is_stopped, quota_full, renew
from studies.design.arms import group_of
from studies.design.plan import plan_trials
from studies.entrance import Arrival
from studies.entrance import mode_link as mode_link
from studies.errors import QuotaFull
from studies.models import Answer, Participant, ProtocolVersion, RecruiterIdentity, Session, Study, Trial
from studies.models.session import participant_code
from studies.participant.answering import answers
from studies.participant.arriving import screening
from studies.participant.consenting import documents
from studies.participant.flow import steps
from studies.protocol.schema import Protocol
from studies.publish import session_protocol
from studies.questions.conditions import items_of
from studies.sealing import keyed_hash, seal

ATTEMPTS = 5
STOPPED = "stopping"


def begin(
    version: ProtocolVersion,
    token: str,
    *,
    mode: str = Session.Mode.LIVE,
    language: str = "",
    arrival: Arrival | None = None,
) -> Session:
    """Returns the session of `token`, and creates it with a new participant if there is none.

    A participant whom a recruitment service sends again continues the session they have, whatever the token. Raises
    RuntimeError if no free participant code is found in ATTEMPTS tries."""
    for _ in range(ATTEMPTS):
        session = Session.objects.filter(token=token, version__study=version.study).first()
        if session is not None:
            return session
        try:
            with transaction.atomic():
                identity = _identity(version.study, mode, arrival) if arrival is not None else None
                session = _goes_on_in(identity)
                return session or Session.objects.create(
                    participant=identity.participant if identity else _participant(version.study, mode, arrival),
                    version=version,
                    token=token,
                    mode=mode,
                    language=language,
                    seed=secrets.randbits(48),
                )
        except IntegrityError:
            continue  # The form was sent twice at once, or the code is taken.
    raise RuntimeError("no free participant code after several attempts")


def found(study: Study, mode: str, arrival: Arrival) -> Session | None:
    """Returns the session that this person continues, whatever version it has.

    Returns None for somebody new, and for somebody who declined, because coming back means that they have changed their
    mind."""
    with transaction.atomic():
        return _goes_on_in(_identity(study, mode, arrival))


def _goes_on_in(identity: RecruiterIdentity | None) -> Session | None:
    if identity is None:
        return None
    last = identity.participant.sessions.select_related("version").order_by("-created_at", "-pk").first()
    return None if last is not None and last.state == Session.State.DECLINED else last


@transaction.atomic
def agree(session: Session, granted: Collection[str], language: str = "") -> None:
    """Records the consent to each purpose, with the language in which it was shown, unless it was recorded before.

    Plans the trials if nothing else is needed for that."""
    locked = _locked(session)
    if locked.state != Session.State.STARTED or locked.consent("participate") is not None:
        return
    documents.record(locked, granted, language)
    locked.save(update_fields=["seen_at"])
    plan(locked)
    session.refresh_from_db()


@transaction.atomic
def decline(session: Session, language: str = "") -> None:
    """Records the refusal and erases the answers. The session cannot continue."""
    locked = _locked(session)
    if locked.state != Session.State.STARTED or locked.consent("participate") is not None:
        return
    documents.record(locked, (), language)
    Answer.objects.filter(session=locked).delete()
    locked.state = Session.State.DECLINED
    locked.save(update_fields=["state", "seen_at"])
    session.refresh_from_db()


def advance(session: Session) -> None:
    """Updates a session after the answers so far: ends it if the participant cannot take part, and plans the trials as
    soon as all answers that decide about them are known."""
    if session.state != Session.State.STARTED:
        return
    protocol = session_protocol(session)
    because = screening.reason_to_end(session, protocol, steps(session))
    if because:
        end(session, Session.State.SCREENED_OUT, because)
    elif session.consent("participate") is not None:
        plan(session)
    elif session.mode == Session.Mode.LIVE:
        full = no_room(session.study, screening.settled_quotas(protocol, steps(session)), answers.known(session))
        if full:
            end(session, Session.State.QUOTA_FULL, full)


def no_room(study: Study, protocol: Protocol, known: dict[str, object]) -> str:
    """Returns why nobody with these answers is admitted any more: the key of a full quota, or STOPPED.

    Returns an empty text if there is room."""
    if is_stopped(study, protocol):
        return STOPPED
    quota = quota_full(study, protocol, known)
    return quota.key if quota is not None else ""


@transaction.atomic
def end(session: Session, state: str, because: str) -> None:
    """Ends a session early and stores why. Without consent, the answers are erased."""
    locked = _locked(session)
    if locked.state != Session.State.STARTED:
        return
    if locked.consent("participate") is None:
        Answer.objects.filter(session=locked).delete()
    free(locked)
    locked.state, locked.ended_because = state, because
    locked.save(update_fields=["state", "ended_because", "seen_at"])
    session.refresh_from_db()


def stay(session: Session) -> None:
    """Renews the lease of a session that was seen.

    If the session lost its place while the participant was away, and others have filled a quota since, it ends."""
    try:
        renew(session)
    except QuotaFull as full:
        end(session, Session.State.QUOTA_FULL, full.quota)


@transaction.atomic
def plan(session: Session, *, ready: bool = False, arm: int | None = None) -> None:
    """Gives a session its arm and its trials, once, as soon as all answers that allocation needs are known.

    With `ready`, it does not wait for them. Given `arm`, the session gets this arm without a place in the allocation,
    as previews do. If a quota is full by then, the session ends."""
    protocol = session_protocol(session)
    if session.planned_at is not None or not (ready or _is_ready(session, protocol)):
        return
    locked = _locked(session)
    if locked.planned_at is not None or locked.state != Session.State.STARTED or session.trials.exists():
        return
    if arm is not None:
        locked.arm, locked.group = arm, group_of(protocol, arm)
        locked.save(update_fields=["arm", "group"])
    elif protocol.kind == "planned" or protocol.quotas:  # Quotas count the sessions that hold a place.
        try:
            allocate(locked, protocol, answers.known(locked))
        except QuotaFull as full:
            end(session, Session.State.QUOTA_FULL, full.quota)
            return
    locked.planned_at = timezone.now()
    locked.save(update_fields=["planned_at", "seen_at"])
    _create_trials(locked, protocol)
    session.refresh_from_db()


def _identity(study: Study, mode: str, arrival: Arrival) -> RecruiterIdentity | None:
    """Returns the identity and locks it until the transaction ends, so that a second request at the same time finds the
    session that this one begins."""
    known = RecruiterIdentity.objects.select_for_update(of=("self",)).select_related("participant")
    return known.filter(study=study, lookup=_lookup(study, mode, arrival)).first()


def _participant(study: Study, mode: str, arrival: Arrival | None) -> Participant:
    participant = Participant.objects.create(study=study, code=participant_code())
    if arrival is not None:
        RecruiterIdentity.objects.create(
            participant=participant,
            study=study,
            service=arrival.service,
            lookup=_lookup(study, mode, arrival),
            sealed=seal({"person": arrival.person, "parameters": dict(arrival.parameters)}).encode(),
        )
    return participant


def _lookup(study: Study, mode: str, arrival: Arrival) -> str:
    """Returns the keyed hash of a person. It differs between studies, so that nobody can be recognised across them, and
    between modes, so that participants of a pilot can take part later."""
    return keyed_hash("recruiter", str(study.pk), str(mode), arrival.service, arrival.person)


def _is_ready(session: Session, protocol: Protocol) -> bool:
    needed = {*protocol.allocation.strata, *([protocol.allocation.by] if protocol.allocation.by else [])}
    needed |= {item for quota in protocol.quotas for item in items_of(quota.when)}
    return not needed or not needed & screening.open_items(protocol, steps(session))


def _create_trials(session: Session, protocol: Protocol) -> None:
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
            practice=planned.practice,
            block=planned.block,
            repetition=planned.repetition,
        )
        for planned in plan_trials(protocol, session.arm, session.seed)
    )


def _locked(session: Session) -> Session:
    """Returns the session's row, locked until the transaction ends."""
    sessions = Session.objects.select_for_update(of=("self",)).select_related("version__study", "participant")
    return sessions.get(pk=session.pk)
