"""Which of what is live may not go on: somebody withdrew, here or in another process, or the study is closed.

The database says so, whoever wrote it there; two queries answer for all that is live in a process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, Subquery

from studies.errors import TakeRefused
from studies.models import ConsentEvent, PinnedVoice, Session, Study, Take
from studies.talk.live.endings import ENDINGS
from studies.talk.takes import OPEN_STATES, check_consent


def ended_takes(epochs: Mapping[UUID, int]) -> dict[UUID, str]:
    """Take -> why it may not go on (one of ENDINGS), for those of `epochs` that may not. `epochs`: the session's, when
    the take was let in: since then another tab may have taken over. A paused study lets its talks come to their end."""
    target_withdrawn = PinnedVoice.objects.filter(
        condition=OuterRef("trial__condition"), voice_version__voice__withdrawn_at__isnull=False
    )
    taken_back = ConsentEvent.objects.filter(
        session=OuterRef("trial__session"), granted=False, at__gt=OuterRef("created_at")
    )
    rows = (
        Take.objects.filter(pk__in=list(epochs))
        .annotate(target_withdrawn=Exists(target_withdrawn), taken_back=Exists(taken_back))
        .select_related("trial__session__version__study", "trial__condition")
    )
    found = {take.pk: _why(take, epochs[take.pk]) for take in rows}
    return {pk: why for pk in epochs if (why := found.get(pk, "withdrawn"))}  # no row: erased altogether


def ended_previews(tokens: Collection[str]) -> set[str]:
    """Those of these sessions in which nobody may hear themselves any more."""
    newest = ConsentEvent.objects.filter(session=OuterRef("pk"), purpose=ConsentEvent.Purpose.RECORD).order_by("-id")
    live = Session.objects.annotate(may_record=Subquery(newest.values("granted")[:1])).filter(
        token__in=list(tokens),
        state=Session.State.STARTED,
        may_record=True,
    )
    live = live.filter(
        Q(version__study__state=Study.State.OPEN)
        | (~Q(mode=Session.Mode.LIVE) & ~Q(version__study__state=Study.State.CLOSED))
    )
    return set(tokens) - set(live.values_list("token", flat=True))


def _why(take: Take, epoch_then: int) -> str:
    session = take.trial.session
    if session.state == Session.State.WITHDRAWN:
        return "withdrawn"
    if take.state not in OPEN_STATES:
        return take.end_reason if take.end_reason in ENDINGS else "abandoned"
    if take.target_withdrawn:  # type: ignore[attr-defined]  # annotated
        return "voice_withdrawn"
    if session.study.state == Study.State.CLOSED:
        return "study_closed"
    if take.taken_back and not _is_agreed(take):  # type: ignore[attr-defined]  # annotated
        return "withdrawn"
    return "another_tab" if session.epoch > epoch_then else ""


def _is_agreed(take: Take) -> bool:
    """A purpose may have been taken back that this talk does not need."""
    try:
        check_consent(take.trial.session, take.trial.condition)
    except TakeRefused:
        return False
    return True
