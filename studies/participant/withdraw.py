"""Takes a person out of a study and erases what was recorded of them, at any moment."""

from __future__ import annotations

from django.db import transaction

from studies.models import AllocationSlot, Answer, ConsentEvent, ErasureReceipt, Judgement, Session
from studies.talk.erasure import erase_recordings
from studies.voices.library import withdraw_donations


def withdraw(session: Session) -> ErasureReceipt:
    """Withdraws every consent first, so that nothing more can be filed, then erases recordings, answers and verdicts.

    Safe to repeat: a withdrawal that was cut off goes on where it stopped, and there is one receipt."""
    _close(session)
    withdraw_donations(session)
    erased = erase_recordings(session)
    with transaction.atomic():
        answers, _ = Answer.objects.filter(session=session).delete()
        judgements, _ = Judgement.objects.filter(session=session).delete()
        receipt, _ = ErasureReceipt.objects.get_or_create(
            study=session.study,
            code=session.participant.code,
            defaults={"takes": erased.takes, "files": erased.files, "answers": answers + judgements},
        )
    return receipt


@transaction.atomic
def _close(session: Session) -> None:
    locked = Session.objects.select_for_update().get(pk=session.pk)
    for purpose in ConsentEvent.Purpose.values:
        granted = locked.consent(purpose)
        if granted is not None:
            ConsentEvent.objects.create(
                session=locked, purpose=purpose, granted=False, document_sha256=granted.document_sha256
            )
    AllocationSlot.objects.filter(session=locked).update(session=None)
    locked.state = Session.State.WITHDRAWN
    locked.device = {}
    locked.completion_code = ""
    locked.save(update_fields=["state", "device", "completion_code", "seen_at"])
