"""The answers of a pair side by side, blind: heard first, then judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from studies.design.visit import Page
from studies.errors import AnswerRefused
from studies.models import Session, Take, Track, Trial
from studies.participant.access import frame, go_on, session_page
from studies.participant.answering.answers import LISTENED, save_listened
from studies.participant.answering.page import asked_context, keep
from studies.participant.answering.question_page import QuestionPage, Sent
from studies.participant.comparing.heard import HeardTake, Recording, heard_take
from studies.questions.recordings import was_heard

LONGEST_SEC: Final = 86_400


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


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def compare(request: HttpRequest, session: Session, pair: int) -> HttpResponse:
    """Every answer that was recorded must be heard, if the study says so, before the questions on the pair count."""
    page = QuestionPage(session, Page("compare", pair=pair))
    sent, problem, status = Sent(), "", 200
    if request.method == "POST":
        sent = page.read(request.POST)
        _keep_listened(page, request.POST)
        problem = _not_heard(page)
        if keep(page, sent, problem):
            return go_on(session)
        status = 422
    context = {
        "sides": sides_of(page),
        "comparison": page.protocol.comparison,
        "prompt": page.protocol.prompt(page.pair[0].prompt.key),
        **asked_context(page, sent, problem),
    }
    return render(request, "participant/comparing/compare.html", frame(request, session, **context), status=status)


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


def _keep_listened(page: QuestionPage, data: QueryDict) -> None:
    for trial in page.pair:
        try:
            seconds = float(data.get(f"listened-{trial.side}") or 0)
        except ValueError:
            continue
        if 0 < seconds <= LONGEST_SEC:
            try:
                save_listened(trial, seconds)
            except AnswerRefused:
                return  # the visit is over, and the way on says so


def _not_heard(page: QuestionPage) -> str:
    """What is still to be heard, for the participant; empty when nothing is."""
    if not page.protocol.comparison.must_listen:
        return ""
    left = [side.label for side in sides_of(page) if side.heard is not None and not side.was_heard]
    return _("Please listen to the end first: %(answers)s.") % {"answers": ", ".join(left)} if left else ""
