"""What one row of sessions.csv, and all rows of a session in answers.csv, are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Prefetch, QuerySet

from studies.exports.item_columns import readable_protocol
from studies.exports.rows import LISTENED, is_erased
from studies.models import Answer, ConsentEvent, Judgement, Session, Study, Take, Trial

BLOCK_SESSIONS = 100


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session with what belongs to it. `values`: the answers that count to what was asked once. Of a withdrawn one
    whose data the study does not keep, nothing is left but that it was there, and what was consented to."""

    session: Session
    trials: Sequence[Trial] = ()
    consents: Mapping[str, ConsentEvent] = field(default_factory=dict)
    answers: Sequence[Answer] = ()
    judgements: Sequence[Judgement] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def until(self, newest_answer: int, newest_verdict: int) -> SessionRow:
        """Without what was said since."""
        return replace(
            self,
            answers=[answer for answer in self.answers if answer.pk <= newest_answer],
            judgements=[verdict for verdict in self.judgements if verdict.pk <= newest_verdict],
        )

    @property
    def talked(self) -> int:
        """Trials in which a talk was completed, practice apart."""
        completed = Take.Outcome.COMPLETED
        return sum(
            any(take.outcome == completed for take in trial.takes.all()) for trial in self.trials if not trial.practice
        )

    @property
    def attention_failed(self) -> list[str]:
        """Keys of the attention checks that were answered wrongly, once for each time."""
        protocol = readable_protocol(self.session.version)
        items = protocol.items() if protocol is not None else {}
        latest = {(answer.trial_id, answer.pair, answer.item): answer.value for answer in self.answers}
        return [item for (_trial, _pair, item), value in latest.items() if item in items and items[item].fails(value)]


def sessions_of(study: Study) -> QuerySet[Session]:
    """All sessions of a study, in the order of the rows."""
    return Session.objects.filter(version__study=study).order_by("pk")


def blocks_of(sessions: QuerySet[Session], size: int = BLOCK_SESSIONS) -> Iterator[list[SessionRow]]:
    """Rows in order, `size` at a time; each block is a query of its own, so that no cursor stays open between."""
    wanted = sessions.select_related("participant", "version__study").prefetch_related(
        Prefetch("trials", Trial.objects.select_related("prompt", "condition").order_by("position")),
        Prefetch("trials__takes", Take.objects.only("trial", "outcome")),
        Prefetch("consents", ConsentEvent.objects.order_by("id")),
        Prefetch("answers", Answer.objects.order_by("revision")),
        Prefetch("judgements", Judgement.objects.order_by("id")),
    )
    after = 0
    while block := list(wanted.filter(pk__gt=after)[:size]):
        yield [_row(session) for session in block]
        after = block[-1].pk


def _row(session: Session) -> SessionRow:
    trials = list(session.trials.all())
    consents = {event.purpose: event for event in session.consents.all()}
    if is_erased(session):
        return SessionRow(session, consents=consents)
    answers = [answer for answer in session.answers.all() if answer.item != LISTENED or answer.questionnaire]
    return SessionRow(
        session=session,
        trials=trials,
        consents=consents,
        answers=answers,
        judgements=list(session.judgements.all()),
        values={each.item: each.value for each in answers if each.trial_id is None and each.pair is None},
    )
