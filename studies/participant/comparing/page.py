"""The answers of a pair side by side, blind: heard first, then judged."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from studies.design.visit import Page
from studies.models import Session, Take, Track, Trial
from studies.participant.access import frame, session_page
from studies.participant.answering.answers import LISTENED
from studies.participant.answering.page import asked_context
from studies.participant.answering.question_page import QuestionPage
from studies.participant.comparing.heard import HeardTake, Recording, heard_take
from studies.questions.recordings import was_heard


@dataclass(frozen=True, slots=True)
class Side:
    """One answer. `heard` None: there is no recording of it. `beside`: what is played together with the answer."""

    side: str
    label: str
    heard: HeardTake | None
    recording: Recording | None
    beside: Recording | None
    listened_sec: float
    was_heard: bool

    @property
    def field(self) -> str:
        """Name of the hidden field that counts the seconds heard."""
        return f"listened-{self.side}"


@require_safe
@session_page()
def compare(request: HttpRequest, session: Session, pair: int) -> HttpResponse:
    """Every answer that was recorded must be heard, if the study says so, before the questions on the pair count."""
    page = QuestionPage(session, Page("compare", pair=pair))
    context = {
        "sides": sides_of(page),
        "comparison": page.protocol.comparison,
        "prompt": page.protocol.prompt(page.pair[0].prompt.key),
        **asked_context(page),
    }
    return render(request, "participant/comparing/compare.html", frame(request, session, **context))


def sides_of(page: QuestionPage) -> list[Side]:
    """The answers in reading order."""
    return [_side(page, trial, label) for trial, label in zip(page.pair, page.labels.values(), strict=True)]


def _side(page: QuestionPage, trial: Trial, label: str) -> Side:
    take = trial.take
    heard = heard_take(page.session, take) if take is not None else None
    if heard is None or heard.state == "missing":
        return Side(trial.side, label, None, None, None, 0, False)
    answer = trial.answers.filter(item=LISTENED, questionnaire="").order_by("revision").last()
    listened_sec = float(answer.value or 0) if answer is not None else 0.0
    both = page.protocol.comparison.track == "conversation"
    return Side(
        side=trial.side,
        label=label,
        heard=heard,
        recording=heard.recordings["agent"],
        beside=heard.recordings["heard"] if both else None,
        listened_sec=listened_sec,
        was_heard=listened_sec > 0 and was_heard(listened_sec, _duration_sec(heard.take)),
    )


def _duration_sec(take: Take) -> float:
    """Of the answer's track; 0 while that is being filed."""
    track = take.tracks.filter(kind=Track.Kind.AGENT).first()
    return track.duration_ms / 1_000 if track is not None else 0


def not_heard(page: QuestionPage) -> str:
    """What is still to be heard, for the participant; empty when nothing is."""
    if not page.protocol.comparison.must_listen:
        return ""
    left = [side.label for side in sides_of(page) if side.heard is not None and not side.was_heard]
    return _("Please listen to the end first: %(answers)s.") % {"answers": ", ".join(left)} if left else ""
