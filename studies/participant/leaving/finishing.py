"""The end of a session. It is finished at once, but gets its completion code only when all recordings are saved."""

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
    """Marks a session as finished once every page is done, and gives it its completion code once all its takes are
    saved. It is safe to repeat."""
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
    """Returns how many takes are still being recorded or filed.

    Takes whose filing failed are not waited for; their recordings stay in their journals."""
    return Take.objects.filter(trial__session=session, state__in=UNSAVED).count()


def way_back_of(session: Session, state: str = "") -> WayBack | None:
    """Returns where a participant goes after the end of the session, and with which code. `state` overrides its state.

    Returns None if the session has not ended, or if there is neither an address nor a code. Participants who withdraw
    before the end are asked to return the task to the service."""
    state = state or session.state
    if state == Session.State.WITHDRAWN and session.finished_at is None:
        return to_return(session_protocol(session).recruiter)
    ending = ENDINGS.get(state)
    if ending is None or (ending == "completed" and not session.completion_code):
        return None
    code = session.completion_code if ending == "completed" else ""
    return way_back(session_protocol(session).recruiter, ending, code=code, person=_person(session))


def _person(session: Session) -> str:
    """Returns the service's identifier of the participant, or an empty text if there is none or it was erased."""
    identity = RecruiterIdentity.objects.filter(participant=session.participant_id).first()
    if identity is None or not identity.sealed:
        return ""
    try:
        return str(unseal(bytes(identity.sealed).decode())["person"])
    except SealBroken:
        return ""  # It was sealed with a secret key that has been replaced.
