"""Stores the answers of participants. Sending the same answer twice changes nothing; a change adds a revision.

Values have the forms that `studies.design.questions` describes and are validated before they come here. Verdicts on a
pair (items of the type preference) are stored as judgements, with the order in which the answers stood on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from studies.errors import AnswerRefused
from studies.models import Answer, Judgement, Session, Take, Track, Trial
from studies.publish import protocol_of
from studies.questions.conditions import is_answered

LISTENED = "listened_sec"  # How long a recorded answer was played before it was judged, as counted by the browser.

NO_ANSWER = "no_answer"  # Whether the participant says that the machine gave no answer in a talk.


class Scope(NamedTuple):
    """What answers are about: a trial, a pair, or, if both are None, the session."""

    trial: Trial | None = None
    pair: int | None = None


SESSION = Scope()


def known(session: Session, trial: Trial | None = None, pair: int | None = None) -> dict[str, Any]:
    """Maps items to their latest values, for questions about the session and, if given, about the trial and the pair.

    With `trial` alone, the answers about its pair are included. Answers that were taken back are left out."""
    if trial is not None and pair is None:
        pair = trial.pair
    about = Q(trial=None, pair=None)
    if pair is not None:
        about |= Q(pair=pair)
    if trial is not None:
        about |= Q(trial=trial)
    values = {answer.item: answer.value for answer in session.answers.filter(about).order_by("revision")}
    if pair is not None:
        values |= {
            verdict.item: verdict.choice for verdict in session.judgements.filter(pair=pair).order_by("revision")
        }
    return {item: value for item, value in values.items() if is_answered(value)}


@transaction.atomic
def save(
    session: Session,
    values: Mapping[str, Any],
    scope: Scope = SESSION,
    *,
    questionnaire: str = "",
    client_id: UUID | None = None,
    shown: Sequence[Trial] = (),
) -> None:
    """Adds a revision for every item of `values` whose value is new; None takes an answer back.

    `client_id` is the browser's id of this message. If it was stored before, nothing changes, even if the answer was
    revised since. A message with an id is therefore stored even if its value is not new. `shown` lists the trials of
    the pair in reading order; if it is given, items that are verdicts become judgements.

    Raises AnswerRefused if the session accepts no more answers."""
    locked = Session.objects.select_for_update(no_key=True, of=("self",)).get(pk=session.pk)
    if locked.state != Session.State.STARTED:
        raise AnswerRefused("ended", _("This session has ended, so your answer was not saved."))
    if client_id is not None and any(
        kept.filter(client_id=client_id).exists() for kept in (locked.answers, locked.judgements)
    ):
        return
    verdicts = _verdicts(session) if shown else set()
    for item, value in values.items():
        if item in verdicts and scope.pair is not None:
            _judge(locked, scope.pair, item, value or "", shown, client_id)
        else:
            _revise(locked, scope, item, value, questionnaire, client_id)


def save_listened(trial: Trial, listened_sec: float) -> None:
    """Stores how many seconds of a trial's recorded answer were played in a comparison. The value never decreases."""
    before = trial.answers.filter(item=LISTENED, questionnaire="").order_by("revision").last()
    if before is None or (before.value or 0) < round(listened_sec, 1):
        save(trial.session, {LISTENED: round(listened_sec, 1)}, Scope(trial))


def save_no_answer(trial: Trial, said: bool) -> None:
    """Stores whether the participant says that there was no answer in the talk of a trial."""
    save(trial.session, {NO_ANSWER: said}, Scope(trial))


def was_unanswered(trial: Trial) -> bool:
    """Whether the participant says so, or nothing of the machine was recorded in the talk that counts.

    While that is being filed, it is not known yet."""
    last = trial.answers.filter(item=NO_ANSWER, questionnaire="").order_by("revision").last()
    if last is not None and last.value is True:
        return True
    take = trial.take
    if take is None or take.state not in (Take.State.FINAL, Take.State.FAILED):
        return False
    agent = take.tracks.filter(kind=Track.Kind.AGENT).first()
    return agent is None or agent.audible == []


def attention_failed(session: Session) -> list[str]:
    """Returns the keys of the attention checks that were answered wrongly. A key is repeated if its check was failed in
    several trials or pairs."""
    items = protocol_of(session.version).items()
    latest = {
        (answer.trial_id, answer.pair, answer.item): answer.value for answer in session.answers.order_by("revision")
    }
    return [item for (_of_trial, _of_pair, item), value in latest.items() if item in items and items[item].fails(value)]


def _verdicts(session: Session) -> set[str]:
    return {key for key, item in protocol_of(session.version).items().items() if item.is_verdict}


def _revise(session: Session, scope: Scope, item: str, value: Any, questionnaire: str, client_id: UUID | None) -> None:
    last = session.answers.filter(trial=scope.trial, pair=scope.pair, item=item).order_by("revision").last()
    if client_id is None and _same(last.value if last is not None else None, value):
        return
    Answer.objects.create(
        session=session,
        trial=scope.trial,
        pair=scope.pair,
        questionnaire=questionnaire,
        item=item,
        value=value,
        client_id=client_id,
        revision=1 if last is None else last.revision + 1,
    )


def _judge(session: Session, pair: int, item: str, choice: str, shown: Sequence[Trial], client_id: UUID | None) -> None:
    last = session.judgements.filter(pair=pair, item=item).order_by("revision").last()
    if client_id is None and (last.choice if last is not None else "") == choice:
        return
    Judgement.objects.create(
        session=session,
        pair=pair,
        item=item,
        choice=choice,
        chosen=next((trial for trial in shown if trial.side == choice), None),
        order_shown=[trial.pk for trial in shown],
        client_id=client_id,
        revision=1 if last is None else last.revision + 1,
    )


def _same(value: Any, other: Any) -> bool:
    """Whether two values are equal and of the same type, because True equals 1 in Python."""
    return type(value) is type(other) and bool(value == other)
