"""Which pages of a session are done and which one is due. This is derived from the stored rows alone, so that a session
can be continued at any time without keeping its position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from studies.design.plan import PlannedTrial, plan_trials
from studies.design.questions import asked, visible
from studies.design.visit import Kind, Page, applies, pages
from studies.models import PageLog, Session, Take, Trial
from studies.participant.answering import answers
from studies.participant.checking.device import check_done, headphones_done
from studies.protocol.questionnaires import Questionnaire
from studies.protocol.schema import Protocol
from studies.publish import session_protocol
from studies.questions.conditions import is_true

DEBRIEF: Final = Page("debrief")
KINDS: Final[Mapping[str, Kind]] = {
    "questions": "questions",
    "consent": "consent",
    "check": "check",
    "headphones": "headphones",
    "intro": "intro",
    "explore": "explore",
    "free_voice": "explore",
    "side_by_side": "explore",
    "own_talk": "explore",
    "own_talks": "explore",
    "erase_talk": "explore",
    "talk": "talk",
    "compare": "compare",
    "break": "break",
    "debrief": "debrief",
}
"""Maps the name of an address to the kind of page at it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A page of a session, and whether it is done."""

    page: Page
    done: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How many pages of a session are done. `now` is the number of the current page, from 1."""

    done: int
    total: int

    @property
    def now(self) -> int:
        return min(self.done + 1, self.total)


def steps(session: Session, *, skipping: bool = True) -> list[Step]:
    """Returns all pages of a session in order. Until the session is planned, they are those of the first arm.

    With `skipping`, pages on which earlier answers leave nothing to ask are left out once they are due. It is not known
    earlier whether they will have questions."""
    protocol = session_protocol(session)
    trials = list(session.trials.select_related("prompt", "condition").order_by("position"))
    planned = planned_trials(session, protocol, trials)
    record = _Record(session, protocol, trials, planned)
    listed: list[Step] = []
    ahead = False
    for page in pages(protocol, planned):
        done = record.has_done(page)
        if not done and not ahead:
            if skipping and record.skips(page):
                continue
            ahead = True
        listed.append(Step(page, done))
    return listed


def current_step(session: Session) -> Page:
    """Returns the first page that is not done, or the debrief if all are done."""
    return first_open(steps(session))


def first_open(listed: Sequence[Step]) -> Page:
    return next((step.page for step in listed if not step.done), DEBRIEF)


def progress(listed: Sequence[Step]) -> Progress:
    return Progress(sum(step.done for step in listed), len(listed))


def planned_trials(session: Session, protocol: Protocol, trials: Sequence[Trial]) -> tuple[PlannedTrial, ...]:
    """Returns the trials of a session; before it is planned, those of the first arm. Explore studies have none."""
    if protocol.kind == "explore":
        return ()
    if not trials and session.planned_at is None:
        return plan_trials(protocol, 0, session.seed)
    return tuple(
        PlannedTrial(
            position=trial.position,
            prompt=trial.prompt.key,
            condition=trial.condition.key,
            pair=trial.pair,
            side=trial.side,
            practice=trial.practice,
            block=trial.block,
            repetition=trial.repetition,
        )
        for trial in trials
    )


def address(session: Session, page: Page) -> str:
    """Returns the address of a page."""
    parts = (page.key, page.position, page.pair)
    return reverse(page.kind, args=[session.token, *(part for part in parts if part not in ("", None))])


def page_at(name: str, arguments: Mapping[str, Any]) -> Page | None:
    """Returns the page at the address with this name and arguments, or None if it is not a page of the session."""
    kind = KINDS.get(name)
    if kind is None:
        return None
    key = arguments.get("questionnaire") or arguments.get("which") or ""
    return Page(kind, key, arguments.get("position"), arguments.get("pair"))


def mark_seen(session: Session, page: Page) -> None:
    """Records when a page was first opened."""
    PageLog.objects.get_or_create(session=session, page=page.name)


def mark_done(session: Session, page: Page) -> None:
    """Records when a page was first completed."""
    mark_seen(session, page)
    PageLog.objects.filter(session=session, page=page.name, done_at=None).update(done_at=timezone.now())


class _Record:
    """What is done in a session, read from the database once."""

    def __init__(
        self, session: Session, protocol: Protocol, trials: Sequence[Trial], planned: Sequence[PlannedTrial]
    ) -> None:
        self.session = session
        self.protocol = protocol
        self.trials = {trial.position: trial for trial in trials}
        self.planned = planned
        self.logged = set(session.pages.exclude(done_at=None).values_list("page", flat=True))
        talked = Take.objects.filter(trial__session=session, outcome=Take.Outcome.COMPLETED)
        self.talked = set(talked.values_list("trial__position", flat=True))
        self.agreed = session.consent("participate") is not None

    def has_done(self, page: Page) -> bool:
        """Whether a page is done. In a preview, pages that were jumped over count as done."""
        if self.session.mode == Session.Mode.PREVIEW and page.name in self.logged:
            return True
        match page.kind:
            case "consent":
                return self.agreed
            case "check":
                return check_done(self.session)
            case "headphones":
                return headphones_done(self.session, self.protocol)
            case "talk":
                return page.position in self.talked
            case "debrief":
                return self.session.state == Session.State.FINISHED
            case _:
                return page.name in self.logged

    def skips(self, page: Page) -> bool:
        """Whether earlier answers leave nothing to ask on a page."""
        if page.kind == "questions":
            return not self._asks(self._questionnaire(page.key), page)
        if page.kind == "compare":
            return not any(self._asks(each, page) for each in self.protocol.questionnaires_at("after_pair"))
        return False

    def _asks(self, questionnaire: Questionnaire, page: Page) -> bool:
        about = next((trial for trial in self.planned if _is_about(page, trial)), None)
        if about is not None and not applies(questionnaire, about):
            return False
        items = asked(questionnaire, self.protocol, about.prompt if about else None, self.session.seed)
        if questionnaire.show_if is None and any(item.show_if is None for item in items):
            return True
        trial = self.trials.get(page.position) if page.position is not None else None
        known = answers.known(self.session, trial, page.pair)
        return is_true(questionnaire.show_if, known) and bool(visible(items, known))

    def _questionnaire(self, key: str) -> Questionnaire:
        return next(each for each in self.protocol.questionnaires if each.key == key)


def _is_about(page: Page, trial: PlannedTrial) -> bool:
    if page.position is not None:
        return page.position == trial.position
    return page.pair is not None and page.pair == trial.pair
