"""The life of a take as operations on its row: start, admit a socket, go live, end. All block on the database."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from celery import current_app
from django.core import signing
from django.db import transaction
from django.db.models import Max, Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inference.contract.catalog import CONVERTERS, ENGINES
from inference.contract.tokens import SlotRequest
from studies.errors import TakeRefused
from studies.languages import language_of
from studies.models import Condition, ConsentEvent, PinnedVoice, Session, Study, Take, Trial
from studies.publish import session_protocol
from studies.talk.recorded_question import recorded_question
from studies.talk.registry import end_running
from studies.talk.requests import asked_of_model, slot_request
from studies.talk.workers.needs import Needs, converters_of, needs_of, obstacle, sends_away

OPEN_STATES: Final = (Take.State.PLANNED, Take.State.LIVE)
ACKNOWLEDGED: Final = "acknowledged_frames"  # in Take.counts
TICKET_TTL_SEC: Final = 30
_SALT: Final = "studies.talk.ticket"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Admission:
    """What the audio path needs to know of a take and what does not change, so that it does not use the database.

    What is allowed may change, so it is not here: `may_talk` and `needs_now` tell. `hear_yourself` says whether
    participants may hear themselves as the engine does, and `names_machine` whether they may learn which one answers.
    `language` is that of the session (BCP 47), and `epoch` identifies its live tab. `question` (PCM16) is what is asked
    again in place of a microphone, or empty."""

    take_id: UUID
    limit_ms: int
    request: SlotRequest
    hear_yourself: bool
    names_machine: bool = True
    language: str | None = None
    epoch: int = 0
    question: bytes = b""


def names_machine(session: Session) -> bool:
    """Returns whether participants may learn which machine answers. Not in a planned study with several engines, where
    it would break the blinding."""
    engines = session.version.conditions.order_by().values("engine").distinct().count()
    return session_protocol(session).kind != "planned" or engines <= 1


def start_take(trial: Trial, asked_from: Take | None = None) -> Take:
    """Opens a new take of a trial that `may_talk` allows, and ends the session's takes that still run.

    The recorded question of `asked_from` is asked in it, if given."""
    for earlier in Take.objects.filter(trial__session=trial.session, state__in=OPEN_STATES):
        # a take that runs in this process first tells its browser and then ends itself
        if not end_running(earlier.pk, "abandoned"):
            end_take(earlier.pk, Take.Outcome.ABANDONED, "abandoned")
    with transaction.atomic():
        Trial.objects.select_for_update().get(pk=trial.pk)
        last = trial.takes.aggregate(last=Max("number"))["last"] or 0
        take = Take(trial=trial, number=last + 1, limit_ms=trial.prompt.limit_sec * 1_000, asked_from=asked_from)
        take.request = asked_of_model(take)
        take.save(force_insert=True)
        return take


def issue_ticket(take: Take) -> str:
    """Issues a signed, short-lived ticket for one use of the take's socket; earlier tickets become invalid.

    Raises TakeRefused if the take is over; the socket checks everything else."""
    check_open(take)
    nonce = secrets.token_urlsafe(12)
    Take.objects.filter(pk=take.pk, state__in=OPEN_STATES).update(ticket=nonce)
    return signing.dumps({"take": str(take.pk), "nonce": nonce}, salt=_SALT)


def redeem_ticket(take_id: UUID, text: str) -> Admission:
    """Admits one socket to the take. A refusal raises TakeRefused and is counted in the take's row, if there is one."""
    try:
        return _redeem(take_id, text)
    except TakeRefused as refusal:
        log.warning("talk_refused", take=str(take_id), code=refusal.code)
        count_refusal(take_id, refusal.code)
        raise


def mark_live(take_id: UUID, snapshot: Mapping[str, Any], voices: Sequence[Mapping[str, Any]] = ()) -> bool:
    """Notes that the engine hears from now on, at first or again, and returns whether a third party does.

    `snapshot` is the engine's and `voices` are the converters', as they now run. Nothing has been sent to them yet, so
    everything is checked once more. Raises TakeRefused."""
    take = _open_take(take_id)
    away = bool(sends_away(take.trial.condition.engine, snapshot, voices))
    may_talk(take.trial, third_party=away and take.state == Take.State.LIVE)
    found = obstacle(needs_of(take.trial), snapshot, voices)
    if found:
        log.error("worker_not_as_reported", take=str(take_id), problem=found)
        raise TakeRefused("unsuitable_worker", _("No conversation partner is available right now."))
    Take.objects.filter(pk=take_id, state=Take.State.PLANNED).update(state=Take.State.LIVE, started_at=timezone.now())
    return away


def needs_now(take_id: UUID) -> Needs:
    """Returns what an inference worker must be for this take, before each connection to one. Raises TakeRefused."""
    take = _open_take(take_id)
    may_talk(take.trial)
    return needs_of(take.trial)


def with_rights(take_ids: Iterable[UUID]) -> QuerySet[Take]:
    """Returns these takes with everything that `may_talk` asks about, in three queries however many there are."""
    pins = PinnedVoice.objects.select_related("voice_version__voice")
    return (
        Take.objects.filter(pk__in=list(take_ids))
        .select_related("trial__session__version__study", "trial__condition", "asked_from")
        .prefetch_related("trial__session__consents", Prefetch("trial__condition__pinned_voices", pins))
    )


def _open_take(take_id: UUID) -> Take:
    """Returns the take with everything that decides about it. Raises TakeRefused if it is over or gone."""
    take = with_rights([take_id]).first()
    if take is None:
        raise TakeRefused("unknown_take", _("This conversation does not exist."))
    check_open(take)
    return take


def end_take(take_id: UUID, outcome: str, reason: str, *, acknowledged: int | None = None) -> bool:
    """Ends a take and requests its filing. Returns False if it had already ended.

    `acknowledged` is the number of microphone frames that were acknowledged, by which filing knows what must be there;
    None if the process that knew has gone."""
    with transaction.atomic():
        take = Take.objects.select_for_update().filter(pk=take_id, state__in=OPEN_STATES).first()
        if take is None:
            return False
        take.state, take.outcome, take.end_reason = Take.State.ENDED, outcome, reason
        take.ended_at, take.ticket = timezone.now(), ""
        if acknowledged is not None:
            take.counts[ACKNOWLEDGED] = acknowledged
        take.save(update_fields=["state", "outcome", "end_reason", "ended_at", "ticket", "counts"])
        transaction.on_commit(lambda: _ask_for_filing(take_id))
    return True


def may_talk(trial: Trial, *, begins: bool = False, third_party: bool = False) -> None:
    """Raises TakeRefused unless a talk of this trial may begin or, if it has begun, go on.

    The study must be open to it, the participant must be taking part and have agreed to everything done with the
    voice, and the speakers of its target voices must currently agree to their use. `third_party` says that the engine
    or a converter that runs it now sends the voice to one. All this may change at any moment. It is therefore asked
    when a take is made, when its socket opens, before and after each connection to an inference worker, and, of talks
    that go on, every second and after every change (see live/watch.py)."""
    check_visit(trial.session, purposes_of(trial, third_party=third_party), begins=begins)
    _check_voices(trial.condition)


def check_visit(session: Session, purposes: Collection[str], *, begins: bool = False) -> None:
    """Raises TakeRefused unless the study is open to it, and the participant is taking part and agrees to `purposes`
    now."""
    check_study(session, begins=begins)
    if session.state != Session.State.STARTED:
        raise TakeRefused("session_over", _("This session has ended, so there are no more conversations."))
    if not session.agreed.issuperset(purposes):
        raise TakeRefused(
            "no_consent", _("You have not agreed to this, or you have withdrawn. Nothing is being recorded.")
        )


def purposes_of(trial: Trial, *, third_party: bool) -> set[str]:
    """Returns what must have been agreed to for a talk of this trial."""
    purposes: set[str] = {ConsentEvent.Purpose.PARTICIPATE, ConsentEvent.Purpose.RECORD}
    if converters_of(trial.voices) - {"none"}:
        purposes.add(ConsentEvent.Purpose.CONVERT)
    always = [ENGINES.get(trial.condition.engine), *map(CONVERTERS.get, converters_of(trial.voices))]
    if third_party or any(entry is not None and entry.third_party for entry in always):
        purposes.add(ConsentEvent.Purpose.THIRD_PARTY)
    return purposes


def check_study(session: Session, *, begins: bool = False) -> None:
    """Raises TakeRefused in a closed study, and when a talk `begins` in a paused one; running talks may finish.

    Pilots and previews are not affected by a pause."""
    state = session.study.state
    if state == Study.State.CLOSED:
        raise TakeRefused("study_closed", _("This study has ended. It no longer accepts any data."))
    if begins and state == Study.State.PAUSED and session.mode == Session.Mode.LIVE:
        raise TakeRefused("study_paused", _("This study is paused. Please come back later with the same link."))


def _check_voices(condition: Condition) -> None:
    """Checks that target voices may be used. What the participant is told does not reveal which voice it is."""
    today = timezone.localdate()
    for pin in condition.pinned_voices.all():
        obstacle = pin.voice_version.obstacle_on(today)
        if obstacle:
            log.warning("target_voice_unavailable", voice=str(pin.voice_version.voice.key), problem=obstacle)
            raise TakeRefused(
                "voice_unavailable",
                _(
                    "This conversation cannot take place because something it needs is no longer available. Please "
                    "tell the research team."
                ),
            )


def check_open(take: Take) -> None:
    """Raises TakeRefused if the take has ended."""
    if take.state not in OPEN_STATES:
        raise TakeRefused("take_over", _("This conversation has ended. You can start another one."))


def count_refusal(take_id: UUID, code: str) -> None:
    """Records a refusal in the take's row."""
    with transaction.atomic():
        take = Take.objects.select_for_update().filter(pk=take_id).first()
        if take is None:
            return
        refused = take.counts.setdefault("refused", {})
        refused[code] = refused.get(code, 0) + 1
        take.save(update_fields=["counts"])


def _redeem(take_id: UUID, text: str) -> Admission:
    ticket_take, nonce = _read_ticket(text)
    if ticket_take != take_id:
        raise TakeRefused("foreign_take", _("This conversation belongs to somebody else."))
    take = _open_take(take_id)
    session = take.trial.session
    may_talk(take.trial)
    question = recorded_question(take.asked_from) if take.asked_from is not None else b""
    if not Take.objects.filter(pk=take_id, ticket=nonce).update(ticket=""):
        raise TakeRefused("ticket_replayed", _("This connection has already been opened. Please reload the page."))
    return Admission(
        take_id,
        take.limit_ms,
        slot_request(take),
        hear_yourself=session_protocol(session).hear_yourself == "live",
        names_machine=names_machine(session),
        language=language_of(pk=session.pk),
        epoch=session.epoch,
        question=question,
    )


def _read_ticket(text: str) -> tuple[UUID, str]:
    """Returns the ticket's take and nonce; the nonce is valid while it is in the take's row. Raises TakeRefused."""
    try:
        fields = signing.loads(text, salt=_SALT, max_age=TICKET_TTL_SEC)
        return UUID(fields["take"]), fields["nonce"]
    except signing.SignatureExpired:
        raise TakeRefused("ticket_expired", _("The connection took too long to open. Please try again.")) from None
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        raise TakeRefused("bad_ticket", _("This connection is not allowed. Please reload the page.")) from None


def _ask_for_filing(take_id: UUID) -> None:
    try:
        current_app.send_task("studies.tasks.file_take", [str(take_id)])
    except Exception:  # the broker's transport may raise anything; the periodic sweep files the take instead
        log.exception("filing_not_queued", take=str(take_id))
