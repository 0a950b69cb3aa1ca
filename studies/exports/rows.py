"""What one row of trials.csv is made from, read in blocks so that any number of trials fits in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

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
LISTENED = "listened_sec"  # kept as an answer, though nobody asks for it


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial with what belongs to it; `answers` are those to questions about it and about its pair, by item, and
    `known` those to what was asked once as well. Of a withdrawn session whose data the study does not keep, nothing but
    the plan is told."""

    trial: Trial
    take: Take | None = None
    takes: int = 0
    tracks: Mapping[str, Track] = field(default_factory=dict)
    utterances: Sequence[Utterance] = ()
    metrics: Mapping[tuple[str, str], Metric] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    listened_sec: float | None = None
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
        """What was last said to each purpose that was asked for."""
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
    """Rows in order, `size` at a time; each block is a query of its own, so that no cursor stays open between."""
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
    own = {answer.item: answer.value for answer in trial.answers.all()}  # later revisions replace earlier ones
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
        answers={item: value for item, value in {**of_pair, **own}.items() if item != LISTENED},
        known={**once, **verdicts, **of_pair, **own},
        listened_sec=own.get(LISTENED),
        judgements={item: last for item, last in judgements.items() if last.choice},
        sides={other.pk: other.side for other in trial.session.trials.all()},
    )


def is_erased(session: Session) -> bool:
    """Whether what was said in it is not to be told: it was withdrawn, and the study keeps nothing then."""
    return session.state == Session.State.WITHDRAWN and not keeps_data(session)
