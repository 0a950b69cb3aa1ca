"""A page of questions: which items it shows in a session, which recordings they play, which answers are known already,
and how answers are validated and stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from studies.design.arms import stand_in
from studies.design.plan import PlannedTrial
from studies.design.questions import asked, visible
from studies.design.visit import Page, applies
from studies.models import Session, Take, Track, Trial
from studies.participant import flow
from studies.participant.answering import answers
from studies.participant.answering.answers import Scope
from studies.protocol.questionnaires import EACH_TRIAL, Questionnaire
from studies.protocol.schema import Protocol
from studies.publish import session_protocol
from studies.questions.answer import Answer
from studies.questions.conditions import When, is_true, items_of
from studies.questions.recordings import MISSING, Excerpt, Recording
from studies.questions.registry import AnyItem


@dataclass(frozen=True, slots=True)
class Sent:
    """The answers of a whole page by item: the `values` that can be stored, and the `errors` that keep the participant
    from continuing."""

    values: Mapping[str, Answer]
    errors: Mapping[str, str]


class QuestionPage:
    """The items of one page of a session, in the order in which they are shown. Raises Http404 if the session has no
    such page."""

    def __init__(self, session: Session, page: Page) -> None:
        self.session = session
        self.page = page
        self.protocol = session_protocol(session)
        self.trial: Trial | None = None
        self.pair: list[Trial] = []
        trials = session.trials.select_related("prompt", "condition")
        if page.kind == "compare":
            self.pair = list(trials.filter(pair=page.pair).order_by("side"))
        elif page.position is not None:
            self.trial = trials.filter(position=page.position).first()
        self.questionnaires = self._questionnaires()
        if not self.questionnaires:
            raise Http404

    @cached_property
    def scope(self) -> Scope:
        return Scope(self.trial, self.page.pair)

    @cached_property
    def known(self) -> dict[str, Any]:
        return answers.known(self.session, self.trial, self.page.pair)

    @cached_property
    def questionnaire_of(self) -> dict[str, str]:
        """Maps each item to its questionnaire."""
        return {item.key: questionnaire.key for questionnaire, items in self._asked for item in items}

    @cached_property
    def items(self) -> list[AnyItem]:
        return [item for _questionnaire, items in self._asked for item in items]

    @property
    def sides(self) -> list[str]:
        return [trial.side for trial in self.pair]

    @property
    def about(self) -> Trial | None:
        """The trial that the page is about, or the first one of its pair; None if it is about the session."""
        return next(iter([self.trial] if self.trial is not None else self.pair), None)

    @property
    def labels(self) -> dict[str, str]:
        """Maps each side to the label of its answer on the page."""
        return answer_labels(self.protocol, self.sides)

    @property
    def judges(self) -> list[Trial]:
        """The trials whose answers the page asks to judge."""
        before = any(each.at == "before_trial" for each in self.questionnaires)
        return [] if before else [self.trial] if self.trial is not None else self.pair

    @cached_property
    def unanswered(self) -> list[Trial]:
        """Those of them in which the machine gave no answer. What was not said need not be judged."""
        return [trial for trial in self.judges if answers.was_unanswered(trial)]

    @property
    def conditions(self) -> dict[str, When]:
        """Maps items to the conditions on which they are shown."""
        return {item.key: item.show_if for item in self.items if item.show_if is not None}

    @property
    def needed(self) -> dict[str, Any]:
        """The answers on other pages that the conditions depend on."""
        names = {name for when in self.conditions.values() for name in items_of(when)}
        return {item: self.known[item] for item in names - {item.key for item in self.items} if item in self.known}

    @cached_property
    def excerpts(self) -> dict[str, Excerpt]:
        """Maps each playback item to the excerpt that it plays."""
        return {
            item.key: excerpt_of(self.session, self._in_group(item.recording), self.trial, self.pair)
            for item in self.items
            if item.recording is not None
        }

    def _in_group(self, recording: Recording) -> Recording:
        """Returns the recording with its condition replaced by the one that the session's group has in its place."""
        if recording.condition is None:
            return recording
        return replace(recording, condition=stand_in(self.protocol, self.session.group, recording.condition))

    def shown_keys(self, values: Mapping[str, Any] | None = None) -> set[str]:
        """Returns the keys of the items that are shown if `values` are given in addition to the known answers."""
        given = {item: value for item, value in {**self.known, **(values or {})}.items() if value is not None}
        return {item.key for item in visible(self.items, given)}

    def check(self, item: AnyItem, value: object, *, complete: bool = True) -> Answer:
        """Returns the value to store. With `complete`, it must be a complete answer, unless the machine gave none to
        judge; attention checks must be answered in any case. Raises ValidationError."""
        given = item.checked(value, complete=False, sides=self.sides)
        kept = item.added_to(self.known.get(item.key), given)
        if complete and not self._is_excused(item):
            item.check_complete(kept, self.excerpts.get(item.key))
        return kept

    def read(self, sent: Mapping[str, object]) -> Sent:
        """Validates the answers to all items of the page. The answers to hidden items become None."""
        page = {item.key: item for item in self.items if item.asks}
        values: dict[str, Answer] = {}
        errors: dict[str, str] = {}
        for key, item in page.items():
            try:
                values[key] = self.check(item, sent.get(key), complete=False)
            except ValidationError as error:
                errors[key] = str(error.message)
        shown = self.shown_keys(values)
        for key, item in page.items():
            if key not in shown:
                values[key] = None
                errors.pop(key, None)
            elif key not in errors:
                try:
                    values[key] = self.check(item, values[key])
                except ValidationError as error:
                    errors[key] = str(error.message)
        return Sent(values, {key: errors[key] for key in page if key in errors})

    @transaction.atomic
    def keep(self, values: Mapping[str, Any], **sending: Any) -> None:
        """Stores answers to items of this page, and takes back the answers to items that are hidden now.

        Raises AnswerRefused."""
        for questionnaire, _items in self._asked:
            own = {item: value for item, value in values.items() if self.questionnaire_of[item] == questionnaire.key}
            if own:
                self._save(own, questionnaire.key, **sending)
        shown = self.shown_keys(values)
        for item in self.items:
            if item.key not in shown and item.key in self.known:
                self._save({item.key: None}, self.questionnaire_of[item.key])
        self.__dict__.pop("known", None)  # Clears the cache.
        self._follow(values)

    def _follow(self, changed: Collection[str]) -> None:
        """Updates other pages that are done and depend on the changed answers.

        Answers to items that are hidden there now are taken back. A page on which a required item has now appeared
        becomes due again."""
        dependent = {each.key for each in self.protocol.questionnaires if _depends_on(each) & set(changed)}
        if not dependent:
            return
        for step in flow.steps(self.session):
            if not step.done or step.page == self.page or step.page.kind not in {"questions", "compare"}:
                continue
            other = QuestionPage(self.session, step.page)
            if not dependent & {each.key for each in other.questionnaires}:
                continue
            shown = other.shown_keys()
            for item in (item.key for item in other.items if item.key not in shown and item.key in other.known):
                other._save({item: None}, other.questionnaire_of[item])
            missing = [item for item in other.items if item.key in shown and item.key not in other.known]
            if any(item.is_required and item.recording is None and not other._is_excused(item) for item in missing):
                self.session.pages.filter(page=step.page.name).update(done_at=None)

    def _is_excused(self, item: AnyItem) -> bool:
        return bool(self.unanswered) and item.expected is None

    def _save(self, values: Mapping[str, Any], questionnaire: str, **sending: Any) -> None:
        answers.save(self.session, values, self.scope, questionnaire=questionnaire, shown=self.pair, **sending)

    @cached_property
    def _asked(self) -> list[tuple[Questionnaire, list[AnyItem]]]:
        about = self.about
        prompt = about.prompt.key if about is not None else None
        listed: list[tuple[Questionnaire, list[AnyItem]]] = []
        for each in self.questionnaires:
            items = asked(each, self.protocol, prompt, self.session.seed, self.page.name)
            conditional = (_on_conditions(item, each.show_if, self.known) for item in items)
            listed.append((each, [item for item in conditional if item is not None]))
        return listed

    def _questionnaires(self) -> list[Questionnaire]:
        if self.page.kind == "compare":
            listed = self.protocol.questionnaires_at("after_pair") if len(self.pair) > 1 else []
        else:
            listed = [each for each in self.protocol.questionnaires if each.key == self.page.key]
            listed = [each for each in listed if (each.at in EACH_TRIAL) == (self.trial is not None)]
            if self.page.position is not None and self.trial is None:
                return []
        about = planned(self.about)
        return [each for each in listed if about is None or applies(each, about)]


def answer_labels(protocol: Protocol, sides: Sequence[str]) -> dict[str, str]:
    """Maps each side of a pair to the label of its answer, with the sides in reading order."""
    names = sides if protocol.comparison.labels == "letters" else range(1, len(sides) + 1)
    return {side: _("Answer %(name)s") % {"name": name} for side, name in zip(sides, names, strict=True)}


def planned(trial: Trial | None) -> PlannedTrial | None:
    if trial is None:
        return None
    return PlannedTrial(trial.position, trial.prompt.key, trial.condition.key, trial.pair, practice=trial.practice)


def _depends_on(questionnaire: Questionnaire) -> set[str]:
    conditions = [questionnaire.show_if, *(item.show_if for item in questionnaire.all_items())]
    return {name for when in conditions for name in items_of(when)}


def _on_conditions(item: AnyItem, when: When | None, known: Mapping[str, Any]) -> AnyItem | None:
    """Returns the item with the condition of its questionnaire added to its own.

    Two `any` lists cannot be merged into one. If both have one, that of the questionnaire is decided by the answers
    that are known when the page opens, and None is returned if the item is not shown."""
    if when is None:
        return item
    own = item.show_if or When()
    if own.any and not is_true(When(any=when.any), known):
        return None
    return item.model_copy(update={"show_if": When(all=[*when.all, *own.all], any=own.any or when.any)})


def excerpt_of(session: Session, recording: Recording, trial: Trial | None, pair: Sequence[Trial]) -> Excerpt:
    """Returns the excerpt that a question plays, or MISSING.

    It is taken from a trial of the prompt and the condition that `recording` names. If several match, those of the page
    come first (`trial`, or those of `pair`). If nothing is named, it is the page's own trial, or the first of its
    pair that has a take."""
    near = [trial] if trial is not None else list(pair)
    trials = near
    if recording.prompt is not None or recording.condition is not None:
        here = [each.pk for each in near]
        everywhere = session.trials.select_related("prompt", "condition").order_by("practice", "position")
        trials = sorted(
            (each for each in everywhere if _is_named(recording, each)), key=lambda each: each.pk not in here
        )
    takes = (each.take for each in trials)
    take = next((take for take in takes if take is not None), None)
    return _part(session, recording, take) if take is not None else MISSING


def _is_named(recording: Recording, trial: Trial) -> bool:
    return recording.prompt in (None, trial.prompt.key) and recording.condition in (None, trial.condition.key)


def _part(session: Session, recording: Recording, take: Take) -> Excerpt:
    end_sec = recording.end_sec
    track: Track | None = take.tracks.filter(kind=recording.track).first()
    over = take.state in (Take.State.FINAL, Take.State.FAILED)
    if track is None and over:
        return MISSING
    duration_sec = None
    if track is not None:
        track_sec = track.duration_ms / 1_000
        duration_sec = max(0.0, (track_sec if end_sec is None else min(end_sec, track_sec)) - recording.start_sec)
        if duration_sec == 0:  # The talk was shorter than the start of the excerpt.
            return MISSING
    return Excerpt(
        url=reverse("participant_track", args=[session.token, take.pk, recording.track]),
        status_url=reverse("take_status", args=[session.token, take.pk]),
        start_sec=recording.start_sec,
        end_sec=end_sec,
        duration_sec=duration_sec,
        state="ready" if over else "filing",
    )
