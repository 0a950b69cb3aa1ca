"""Takes a person out of a study at any moment, or one of the purposes they agreed to."""

from __future__ import annotations

import structlog
from django.db import transaction

from studies.allocation.places import free
from studies.models import ConsentEvent, Session
from studies.protocol.visit import Purpose
from studies.publish import session_protocol
from studies.talk.live.watch import look_now
from studies.voices.library import withdraw_donations
from studies.withdrawal import finish_withdrawal, keeps_data, take_back

log = structlog.get_logger(__name__)


def withdraw(session: Session) -> None:
    """Ends every session of the participant: nothing more is recorded from now on, talks and previews end wherever
    they run. Then what was collected is erased or kept, as the study's policy says; what fails of that is tried again
    later. Safe to repeat."""
    sessions = list(session.participant.sessions.all())
    for each in sessions:
        _close(each)
    for each in sessions:
        try:
            finish_withdrawal(each)
        except Exception:  # the participant is out in any case
            log.exception("withdrawal_not_finished", session=each.pk)


def optional_purposes(session: Session) -> list[Purpose]:
    """What the participant agreed to without having to, and may take back alone; labels in their language."""
    return [
        purpose
        for purpose in session_protocol(session).consent.purposes
        if not purpose.required and session.consent(purpose.key) is not None
    ]


def take_back_purpose(session: Session, purpose: str) -> bool:
    """Withdraws one optional purpose; talks that need it end. False for a required one, and one never given."""
    if purpose not in {each.key for each in optional_purposes(session)}:
        return False
    taken_back = take_back(session, purpose)
    if purpose == ConsentEvent.Purpose.VOICE_DONATION.value:
        withdraw_donations(session)
    look_now()
    return taken_back


@transaction.atomic
def _close(session: Session) -> None:
    locked = Session.objects.select_for_update(of=("self",)).get(pk=session.pk)
    keep = {ConsentEvent.Purpose.RECORD} if keeps_data(locked) else set()  # taken back once all is filed
    for purpose in ConsentEvent.Purpose.values:
        if purpose not in keep:
            take_back(locked, purpose)
    if locked.state != Session.State.WITHDRAWN:
        free(locked)
        locked.state = Session.State.WITHDRAWN
        locked.save(update_fields=["state", "seen_at"])
    look_now()
