"""The end of a visit: finished at once, the completion code only when everything is saved."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from studies.allocation.places import settle
from studies.errors import SealBroken
from studies.models import RecruiterIdentity, Session, Take
from studies.models.session import completion_code
from studies.participant import flow
from studies.participant.arriving.recruiters import Ending, WayBack, to_return, way_back
from studies.publish import session_protocol
from studies.sealing import unseal

UNSAVED: Final = (Take.State.LIVE, Take.State.ENDED)
ENDINGS: Final[dict[str, Ending]] = {
    Session.State.FINISHED: "completed",
    Session.State.SCREENED_OUT: "screened_out",
    Session.State.QUOTA_FULL: "quota_full",
    Session.State.DECLINED: "no_consent",
}


def finish(session: Session) -> None:
    """Marks a session finished once every page is done; and, when nothing of it is left to be saved, gives it its
    completion code. Safe to repeat."""
    with transaction.atomic():
        locked = Session.objects.select_for_update(of=("self",)).select_related("version").get(pk=session.pk)
        if locked.state == Session.State.STARTED and flow.current_step(locked) == flow.DEBRIEF:
            locked.state, locked.finished_at = Session.State.FINISHED, timezone.now()
            locked.save(update_fields=["state", "finished_at", "seen_at"])
            settle(locked)
        if locked.state == Session.State.FINISHED and not locked.completion_code and not unsaved(locked):
            locked.completion_code = session_protocol(locked).recruiter.codes.completed or completion_code()
            locked.save(update_fields=["completion_code", "seen_at"])
    session.refresh_from_db()


def unsaved(session: Session) -> int:
    """How many of its takes are still being recorded or filed. Those that could not be filed are not waited for: what
    there is of them is in their journal, with the reason."""
    return Take.objects.filter(trial__session=session, state__in=UNSAVED).count()


def way_back_of(session: Session, state: str = "") -> WayBack | None:
    """Where somebody goes whose visit is over (or would be, in this `state`), and with which code; None while it is
    not, or where there is neither. Whoever withdraws before the end has a task to return."""
    state = state or session.state
    if state == Session.State.WITHDRAWN and session.finished_at is None:
        return to_return(session_protocol(session).recruiter)
    ending = ENDINGS.get(state)
    if ending is None or (ending == "completed" and not session.completion_code):
        return None
    code = session.completion_code if ending == "completed" else ""
    return way_back(session_protocol(session).recruiter, ending, code=code, person=_person(session))


def _person(session: Session) -> str:
    """As the service named them; empty when nobody sent them, or that was erased."""
    identity = RecruiterIdentity.objects.filter(participant=session.participant_id).first()
    if identity is None or not identity.sealed:
        return ""
    try:
        return str(unseal(bytes(identity.sealed).decode())["person"])
    except SealBroken:
        return ""  # sealed with a secret key that is gone
