"""The pages of a visit, in order. What is done, and what falls away by earlier answers, is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from studies.design.plan import PlannedTrial
from studies.protocol.questionnaires import EACH_TRIAL, Moment, Questionnaire
from studies.protocol.schema import Protocol
from studies.protocol.visit import DeviceCheck

Kind = Literal["questions", "consent", "check", "headphones", "intro", "explore", "talk", "compare", "break", "debrief"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `key` is that of a questionnaire, or says which intro (practice, main); `position` is that of a trial,
    or of the trial a break comes before; `pair` is that of what is compared."""

    kind: Kind
    key: str = ""
    position: int | None = None
    pair: int | None = None

    @property
    def name(self) -> str:
        """Unique within a visit: `consent`, `questions:rating:3`, `talk::3`, `questions:verdict::0`."""
        parts = [self.kind, self.key, *("" if part is None else str(part) for part in (self.position, self.pair))]
        return ":".join(parts).rstrip(":")


def pages(protocol: Protocol, trials: Sequence[PlannedTrial]) -> Iterator[Page]:
    """Every page of a visit with this plan. A compare page holds the questionnaires asked after its pair."""
    yield from _asked(protocol, "eligibility")
    before_talks = [*_before_talks(protocol)]
    if protocol.kind == "planned" or before_talks:
        yield Page("consent")
        yield from before_talks
    if protocol.kind == "explore":
        yield Page("explore")
    else:
        yield from _trial_pages(protocol, trials)
        yield from _asked(protocol, "before_playback")
        for trial in trials:
            yield from _asked(protocol, "playback", trial)
    yield from _asked(protocol, "end")
    yield from _asked(protocol, "debrief")
    yield Page("debrief")


def applies(questionnaire: Questionnaire, trial: PlannedTrial) -> bool:
    """Returns whether the questionnaire is asked about this trial (or its pair)."""
    role = "practice" if trial.practice else "analytical"
    return questionnaire.study_role in (None, role) and (
        questionnaire.prompts is None or trial.prompt in questionnaire.prompts
    )


def _before_talks(protocol: Protocol) -> Iterator[Page]:
    """Returns what lies between the consent and the talks.

    The page of an explore study asks for consent itself, unless something comes between, and listens to the microphone
    itself, unless the study sets requirements of its own."""
    yield from _asked(protocol, "consent")
    yield from _asked(protocol, "background")
    if protocol.kind == "planned" or protocol.device_check != DeviceCheck():
        yield Page("check")
    if protocol.device_check.headphones is not None:
        yield Page("headphones")
    yield from _asked(protocol, "device_check")


def _trial_pages(protocol: Protocol, trials: Sequence[PlannedTrial]) -> Iterator[Page]:
    for index, trial in enumerate(trials):
        before = trials[index - 1] if index else None
        if trial.practice and before is None and protocol.practice_intro:
            yield Page("intro", "practice")
        if not trial.practice and (before is None or before.practice) and protocol.main_intro:
            yield Page("intro", "main")
        if before is not None and not before.practice and trial.block != before.block:
            yield Page("break", position=trial.position)
        yield from _asked(protocol, "before_trial", trial)
        yield Page("talk", position=trial.position)
        yield from _asked(protocol, "after_trial", trial)
        ends_pair = trial.pair is not None and all(later.pair != trial.pair for later in trials[index + 1 :])
        if ends_pair and any(applies(each, trial) for each in protocol.questionnaires_at("after_pair")):
            yield Page("compare", pair=trial.pair)


def _asked(protocol: Protocol, moment: Moment, trial: PlannedTrial | None = None) -> Iterator[Page]:
    for questionnaire in protocol.questionnaires_at(moment):
        if trial is None:
            yield Page("questions", questionnaire.key)
        elif moment in EACH_TRIAL and applies(questionnaire, trial):
            yield Page("questions", questionnaire.key, trial.position)
