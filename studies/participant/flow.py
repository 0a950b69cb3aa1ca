"""Where a session stands. The step follows from the rows alone, so that coming back later needs no bookkeeping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone

from studies.models import Judgement, Session, Take, Trial
from studies.participant.codes import completion_code
from studies.protocol.schema import Protocol
from studies.publish import protocol_of


@dataclass(frozen=True, slots=True)
class Step:
    """One page to be gone through: the name of its address and what follows the token in it."""

    page: str
    argument: int | None = None

    def address(self, session: Session) -> str:
        return reverse(self.page, args=[session.token] if self.argument is None else [session.token, self.argument])


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` steps; `now` is the number of the one under way."""

    done: int
    total: int

    @property
    def now(self) -> int:
        return min(self.done + 1, self.total)


DEBRIEF = Step("debrief")


def steps(session: Session, protocol: Protocol) -> list[tuple[Step, bool]]:
    """Every step of a session in order, and whether it is done."""
    agreed = session.consent("participate") is not None
    finished = session.state == Session.State.FINISHED
    middle = [(Step("explore"), finished)] if protocol.kind == "explore" else list(_trial_steps(session, protocol))
    return [(Step("consent"), agreed), (Step("check"), session.checked_at is not None), *middle, (DEBRIEF, finished)]


def current_step(session: Session) -> Step:
    """The first step that is not done; the debrief when all are."""
    return next((step for step, done in steps(session, protocol_of(session.version)) if not done), DEBRIEF)


def progress(session: Session) -> Progress | None:
    """How far a session has come; None where there is no fixed way (explore)."""
    protocol = protocol_of(session.version)
    if protocol.kind == "explore":
        return None
    listed = steps(session, protocol)
    if session.consent("participate") is None:  # not planned yet, but the plan's length is known
        trials = 2 * len(protocol.pairs)
        each = 1 + bool(protocol.ratings)
        return Progress(0, len(listed) + trials * each + len(protocol.pairs) * bool(protocol.comparison))
    return Progress(sum(done for _, done in listed), len(listed))


def finish(session: Session) -> None:
    """Marks a session finished and gives it its completion code; once."""
    if session.state != Session.State.STARTED:
        return
    session.state = Session.State.FINISHED
    session.finished_at = timezone.now()
    session.completion_code = protocol_of(session.version).completion.code or completion_code()
    session.save(update_fields=["state", "finished_at", "completion_code", "seen_at"])


def _trial_steps(session: Session, protocol: Protocol) -> Iterator[tuple[Step, bool]]:
    trials = list(session.trials.order_by("position"))
    talked = set(
        Take.objects.filter(trial__session=session, outcome=Take.Outcome.COMPLETED).values_list("trial_id", flat=True)
    )
    judged = set(Judgement.objects.filter(session=session).values_list("pair", "item"))
    for index, trial in enumerate(trials):
        yield Step("talk", trial.position), trial.pk in talked
        if protocol.ratings:
            yield Step("rate", trial.position), trial.done_at is not None
        if protocol.comparison and _ends_pair(trials, index):
            items = {(trial.pair, item.key) for item in protocol.comparison}
            yield Step("compare", trial.pair), items <= judged


def _ends_pair(trials: list[Trial], index: int) -> bool:
    pair = trials[index].pair
    return pair is not None and all(later.pair != pair for later in trials[index + 1 :])
