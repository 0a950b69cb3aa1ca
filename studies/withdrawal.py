"""What a withdrawal does to the data: by the study's policy it erases them, or keeps them without the identity.

Every function can run again and continues where it was interrupted; each participant gets one receipt."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from studies.errors import ProtocolError
from studies.models import (
    Answer,
    ConsentEvent,
    ErasureReceipt,
    Judgement,
    PageLog,
    RecruiterIdentity,
    Session,
    Take,
    Trial,
)
from studies.models.guards import erasing
from studies.publish import session_protocol
from studies.talk.filing.erasure import erase_recordings
from studies.talk.filing.filing import file_take
from studies.talk.journal.file import journal_path
from studies.talk.takes import OPEN_STATES, end_take
from studies.voices.library import withdraw_donations

UNFILED = (*OPEN_STATES, Take.State.ENDED)
UNDECIDED_FOR = timedelta(days=1)

log = structlog.get_logger(__name__)


def keeps_data(session: Session) -> bool:
    """Whether the study keeps what was collected until a withdrawal."""
    try:
        return session_protocol(session).retention.on_withdrawal == "keep"
    except ProtocolError:  # The document's schema no longer exists.
        return False


def take_back(session: Session, purpose: str) -> bool:
    """Withdraws one purpose; returns False if it was not granted."""
    granted = session.consent(purpose)
    if granted is None:
        return False
    ConsentEvent.objects.create(
        session=session,
        purpose=purpose,
        granted=False,
        document_sha256=granted.document_sha256,
        language=granted.language,
    )
    return True


def finish_withdrawal(session: Session) -> ErasureReceipt | None:
    """Erases or keeps the data of a withdrawn session, and writes the receipt.

    Returns None while a take that is kept has not been filed yet; the withdrawal is then finished later."""
    withdraw_donations(session)
    return _keep(session) if keeps_data(session) else _erase(session)


def finish_withdrawals() -> int:
    """Continues withdrawals that were interrupted or left something behind. Returns how many were finished."""
    finished = 0
    for session in unfinished():
        try:
            finished += finish_withdrawal(session) is not None
        except Exception:  # The others must still be finished; this one is tried again later.
            log.exception("withdrawal_not_finished", session=session.pk)
    return finished


def forget_undecided() -> int:
    """Erases the answers of participants who left before the consent and have not come back for a day.

    Returns how many answers it erased."""
    undecided = Session.objects.filter(
        ~Exists(ConsentEvent.objects.filter(session=OuterRef("pk"))), seen_at__lt=timezone.now() - UNDECIDED_FOR
    )
    return _delete(Answer.objects.filter(session__in=undecided))


def _erase(session: Session) -> ErasureReceipt:
    # Rows, files and receipt belong together: if this is interrupted, all of it is done again, and the receipt counts
    # everything, including a session that the same participant withdrew from before.
    with erasing(by="withdrawal", target=f"{session.participant.code} of {session.study.slug}"):
        removed: Counter[str] = Counter()
        takes = files = 0
        withdrawn = Session.objects.filter(participant=session.participant_id, state=Session.State.WITHDRAWN)
        for each in withdrawn.select_for_update(of=("self",)).select_related("version").order_by("pk"):
            if each.pk == session.pk or not keeps_data(each):
                erased = erase_recordings(each)
                takes, files = takes + erased.takes, files + erased.files
                removed += Counter(erased.removed) + _erase_rows(each)
        removed["identities"] += _forget_identity(session)
        return _receipt(session, removed, kept=False, takes=takes, files=files)


def _erase_rows(session: Session) -> Counter[str]:
    """Erases what was answered and measured, besides the recordings. Returns how much of each kind there was."""
    removed: Counter[str] = Counter()
    removed["answers"] = _delete(Answer.objects.filter(session=session))
    removed["judgements"] = _delete(Judgement.objects.filter(session=session))
    removed["page_times"] = _delete(PageLog.objects.filter(session=session))
    removed["device_reports"] = bool(session.device) + _clear(
        Take.objects.filter(trial__session=session).exclude(device={}), device={}
    )
    trials = Trial.objects.filter(session=session)
    removed["own_voices"] = _clear(trials.filter(own_voices__isnull=False), own_voices=None)
    trials.update(done_at=None)
    Session.objects.filter(pk=session.pk).update(
        device={}, checked_at=None, stratum="", ended_because="", completion_code=""
    )
    return removed


def _keep(session: Session) -> ErasureReceipt | None:
    with transaction.atomic():
        removed = Counter(identities=_forget_identity(session))
    takes = Take.objects.filter(trial__session=session)
    for take in takes.filter(state=Take.State.PLANNED):
        if not journal_path(take.pk).exists():  # Nobody has connected.
            end_take(take.pk, Take.Outcome.ABANDONED, "withdrawn")
    for take in takes.filter(state=Take.State.ENDED):
        with suppress(Exception):  # The error is in the take's row and in the log, and the filing is tried again.
            file_take(take.pk)
    if takes.filter(state__in=UNFILED).exists():
        return None
    with transaction.atomic():
        session = Session.objects.select_for_update(of=("self",)).get(pk=session.pk)
        take_back(session, ConsentEvent.Purpose.RECORD)  # Until now this consent allowed filing.
        return _receipt(session, removed, kept=True, takes=0, files=0)


def _forget_identity(session: Session) -> int:
    """Erases what the recruitment service said about the participant.

    The keyed hash stays, so that a participant who opens the service's link again is told that they withdrew, and is
    not admitted as a new one."""
    return _clear(RecruiterIdentity.objects.filter(participant=session.participant_id).exclude(sealed=b""), sealed=b"")


def _receipt(session: Session, removed: Counter[str], *, kept: bool, takes: int, files: int) -> ErasureReceipt:
    receipt, made = ErasureReceipt.objects.get_or_create(
        study=session.participant.study,
        code=session.participant.code,
        defaults={
            "kept": kept,
            "takes": takes,
            "files": files,
            "answers": removed["answers"] + removed["judgements"],
            "removed": [{"what": what, "count": removed[what]} for what in ErasureReceipt.What if removed[what]],
        },
    )
    if made:
        log.info("withdrawal_finished", receipt=receipt.pk, kept=kept)
    return receipt


def unfinished() -> list[Session]:
    """Withdrawn sessions without a receipt, and those that should be erased and of which something is still there: it
    came after the erasure, or another session of the same participant got the receipt."""
    receipts = ErasureReceipt.objects.filter(study=OuterRef("participant__study"), code=OuterRef("participant__code"))
    of_session = OuterRef("pk")
    left = (
        Exists(Answer.objects.filter(session=of_session))
        | Exists(Judgement.objects.filter(session=of_session))
        | Exists(PageLog.objects.filter(session=of_session))
        | Exists(Take.objects.filter(trial__session=of_session).exclude(erased_because=Take.ErasedBecause.WITHDRAWN))
    )
    withdrawn = Session.objects.filter(state=Session.State.WITHDRAWN).annotate(has_receipt=Exists(receipts))
    found = withdrawn.filter(Q(has_receipt=False) | left).select_related("version__study", "participant__study")
    return [session for session in found if not (session.has_receipt and _is_kept(session))]


def _is_kept(session: Session) -> bool:
    return keeps_data(session) and session.consent(ConsentEvent.Purpose.RECORD) is None


def _delete(rows: QuerySet[Any]) -> int:
    return rows.delete()[0]


def _clear(rows: QuerySet[Any], **columns: Any) -> int:
    return rows.update(**columns)
