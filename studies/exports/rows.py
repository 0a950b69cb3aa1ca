"""The data behind the rows of trials.csv, sessions.csv and answers.csv, read in blocks so that a study of any size fits
in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from studies.exports.item_columns import readable_protocol
from studies.models import (
    Answer,
    ConsentEvent,
    Judgement,
    Metric,
    ProtocolVersion,
    Session,
    Study,
    Take,
    Track,
    Trial,
    Utterance,
)
from studies.withdrawal import keeps_data

BLOCK_TRIALS = 100
LISTENED = "listened_sec"
NO_ANSWER = "no_answer"
UNASKED = frozenset({LISTENED, NO_ANSWER})  # They are stored as answers, although no questionnaire asks for them.


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial with the data that belong to it.

    `answers` maps items to the answers about the trial and its pair; `known` adds the answers about the whole session.
    `sides` maps the ids of the session's trials to their sides. If the session was withdrawn and the study does not
    keep its data, only the plan is given."""

    trial: Trial
    take: Take | None = None
    takes: int = 0
    tracks: Mapping[str, Track] = field(default_factory=dict)
    utterances: Sequence[Utterance] = ()
    metrics: Mapping[tuple[str, str], Metric] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    listened_sec: float | None = None
    no_answer: bool | None = None
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    sides: Mapping[int, str] = field(default_factory=dict)

    @property
    def session(self) -> Session:
        return self.trial.session

    @property
    def version(self) -> ProtocolVersion:
        return self.trial.session.version

    @property
    def consents(self) -> dict[str, bool]:
        """Maps each purpose that was asked for to the participant's latest decision."""
        return {event.purpose: event.granted for event in self.session.consents.all()}

    @property
    def withdrawn(self) -> bool:
        return is_erased(self.session)

    @property
    def pair_number(self) -> int | None:
        return None if self.trial.pair is None else self.trial.pair + 1

    @property
    def discarded_turns(self) -> int | None:
        if self.take is None:
            return None
        return sum(said.discarded for said in self.utterances if said.role == Utterance.Role.AGENT)

    @property
    def rated_at(self) -> datetime | None:
        return None if self.withdrawn else self.trial.done_at


def trials_of(study: Study) -> QuerySet[Trial]:
    """All trials of a study, in the order of the rows."""
    return Trial.objects.filter(session__version__study=study).order_by("session_id", "position")


def blocks_of(trials: QuerySet[Trial], size: int = BLOCK_TRIALS) -> Iterator[list[TrialRow]]:
    """Yields rows in order, `size` at a time. Each block is a query of its own, so that no cursor stays open between
    blocks."""
    wanted = trials.select_related(
        "session__participant", "session__version__study", "prompt", "condition"
    ).prefetch_related(
        Prefetch("takes", Take.objects.select_related("engine_snapshot").order_by("number")),
        "takes__tracks",
        "takes__metrics",
        "takes__voice_snapshots",
        Prefetch("takes__utterances", Utterance.objects.order_by("turn", "start_ms", "id")),
        Prefetch("answers", Answer.objects.order_by("revision")),
        Prefetch("session__answers", Answer.objects.filter(trial=None).order_by("revision"), to_attr="other_answers"),
        Prefetch("session__consents", ConsentEvent.objects.order_by("id")),
        Prefetch("session__judgements", Judgement.objects.select_related("chosen__condition").order_by("id")),
        Prefetch("session__trials", Trial.objects.order_by("position")),
    )
    after = Q()
    while block := list(wanted.filter(after)[:size]):
        yield [_row(trial) for trial in block]
        last = block[-1]
        after = Q(session_id__gt=last.session_id) | Q(session_id=last.session_id, position__gt=last.position)


def _row(trial: Trial) -> TrialRow:
    if is_erased(trial.session):
        return TrialRow(trial)
    takes = list(trial.takes.all())
    completed = [take for take in takes if take.outcome == Take.Outcome.COMPLETED]
    take = next(reversed(completed or takes), None)
    said = trial.session.judgements.all() if trial.pair is not None else ()
    judgements = {judgement.item: judgement for judgement in said if judgement.pair == trial.pair}
    own = {answer.item: answer.value for answer in trial.answers.all()}  # Later revisions replace earlier ones.
    others: list[Answer] = trial.session.other_answers  # type: ignore[attr-defined]  # prefetched
    once = {answer.item: answer.value for answer in others if answer.pair is None}
    of_pair = {answer.item: answer.value for answer in others if trial.pair is not None and answer.pair == trial.pair}
    verdicts = {item: judgement.choice for item, judgement in judgements.items()}
    return TrialRow(
        trial=trial,
        take=take,
        takes=len(takes),
        tracks={track.kind: track for track in take.tracks.all()} if take else {},
        utterances=list(take.utterances.all()) if take else (),
        metrics={(metric.track, metric.name): metric for metric in take.metrics.all()} if take else {},
        answers={item: value for item, value in {**of_pair, **own}.items() if item not in UNASKED},
        known={**once, **verdicts, **of_pair, **own},
        listened_sec=own.get(LISTENED),
        no_answer=own.get(NO_ANSWER),
        judgements={item: last for item, last in judgements.items() if last.choice},
        sides={other.pk: other.side for other in trial.session.trials.all()},
    )


def is_erased(session: Session) -> bool:
    """Whether a session was withdrawn from a study that does not keep the data of withdrawn sessions.

    Nothing that was said in such a session may be exported."""
    return session.state == Session.State.WITHDRAWN and not keeps_data(session)


BLOCK_SESSIONS = 100


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session with the data that belong to it.

    `values` maps the items that were asked once in the session to their latest answers. If the session was withdrawn
    and the study does not keep its data, only the session and its consents are given."""

    session: Session
    trials: Sequence[Trial] = ()
    consents: Mapping[str, ConsentEvent] = field(default_factory=dict)
    answers: Sequence[Answer] = ()
    judgements: Sequence[Judgement] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def until(self, newest_answer: int, newest_verdict: int) -> SessionRow:
        """Returns the row without the answers and verdicts whose ids are higher than the given ones."""
        return replace(
            self,
            answers=[answer for answer in self.answers if answer.pk <= newest_answer],
            judgements=[verdict for verdict in self.judgements if verdict.pk <= newest_verdict],
        )

    @property
    def talked(self) -> int:
        """The number of trials in which a talk was completed, without practice trials."""
        completed = Take.Outcome.COMPLETED
        return sum(
            any(take.outcome == completed for take in trial.takes.all()) for trial in self.trials if not trial.practice
        )

    @property
    def attention_failed(self) -> list[str]:
        """Keys of the attention checks that were answered wrongly. A key is repeated if its check was failed in several
        trials or pairs."""
        protocol = readable_protocol(self.session.version)
        items = protocol.items() if protocol is not None else {}
        latest = {(answer.trial_id, answer.pair, answer.item): answer.value for answer in self.answers}
        return [item for (_trial, _pair, item), value in latest.items() if item in items and items[item].fails(value)]


def sessions_of(study: Study) -> QuerySet[Session]:
    """All sessions of a study, in the order of the rows."""
    return Session.objects.filter(version__study=study).order_by("pk")


def session_blocks(sessions: QuerySet[Session], size: int = BLOCK_SESSIONS) -> Iterator[list[SessionRow]]:
    """Yields rows in order, `size` at a time. Each block is a query of its own, so that no cursor stays open between
    blocks."""
    wanted = sessions.select_related("participant", "version__study").prefetch_related(
        Prefetch("trials", Trial.objects.select_related("prompt", "condition").order_by("position")),
        Prefetch("trials__takes", Take.objects.only("trial", "outcome")),
        Prefetch("consents", ConsentEvent.objects.order_by("id")),
        Prefetch("answers", Answer.objects.order_by("revision")),
        Prefetch("judgements", Judgement.objects.order_by("id")),
    )
    after = 0
    while block := list(wanted.filter(pk__gt=after)[:size]):
        yield [_session_row(session) for session in block]
        after = block[-1].pk


def _session_row(session: Session) -> SessionRow:
    trials = list(session.trials.all())
    consents = {event.purpose: event for event in session.consents.all()}
    if is_erased(session):
        return SessionRow(session, consents=consents)
    answers = [answer for answer in session.answers.all() if answer.item not in UNASKED or answer.questionnaire]
    return SessionRow(
        session=session,
        trials=trials,
        consents=consents,
        answers=answers,
        judgements=list(session.judgements.all()),
        values={each.item: each.value for each in answers if each.trial_id is None and each.pair is None},
    )
