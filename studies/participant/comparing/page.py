"""The page on which the answers of a pair are heard side by side, without their conditions, and then judged; and a take
as a participant may hear and read it again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from studies.design.visit import Page
from studies.models import Session, Take, Track, Trial, Utterance
from studies.participant.access import frame, session_page
from studies.participant.answering.answers import LISTENED
from studies.participant.answering.page import asked_context
from studies.participant.answering.question_page import QuestionPage
from studies.protocol.cells import FREE_VOICE
from studies.publish import session_protocol
from studies.questions.recordings import was_heard

LABELS = {
    "agent": gettext_lazy("The machine"),
    "heard": gettext_lazy("You, as the machine heard you"),
    "participant": gettext_lazy("You"),
}


@dataclass(frozen=True, slots=True)
class Recording:
    """One track that can be played."""

    kind: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class HeardTake:
    """A take that can be played.

    `state` is `filing` while the tracks are being made, then `ready`, or `missing` if there is nothing to play. `label`
    and `title` name the condition and the prompt in the session's language. `status_url` returns the state as JSON."""

    take: Take
    label: str
    title: str
    state: Literal["filing", "ready", "missing"]
    status_url: str
    recordings: dict[str, Recording]
    words: Sequence[Utterance]

    @property
    def agent_silent(self) -> bool:
        """Whether the take is filed and contains no words of the agent."""
        return self.state == "ready" and not any(said.role == Utterance.Role.AGENT for said in self.words)

    @property
    def participant_unwritten(self) -> bool:
        """Whether the take is filed and contains no words of the participant."""
        return self.state == "ready" and all(said.role == Utterance.Role.AGENT for said in self.words)


def heard_take(session: Session, take: Take) -> HeardTake:
    """Returns a take with the addresses of all its tracks, which are known even while it is being filed."""
    filed = set(take.tracks.values_list("kind", flat=True))
    state: Literal["filing", "ready", "missing"]
    if take.state == Take.State.FINAL and "agent" in filed:
        state = "ready"
    elif take.state in (Take.State.FINAL, Take.State.FAILED):
        state = "missing"
    else:
        state = "filing"
    trial = take.trial
    protocol = session_protocol(session)
    named = {cell.key: cell.label for cell in protocol.cells()}
    titles = {prompt.key: prompt.title for prompt in protocol.prompts}
    label = named.get(trial.condition.key, trial.condition.label)
    return HeardTake(
        take=take,
        label=trial.called(_(label) if label == FREE_VOICE.label else label),
        title=titles.get(trial.prompt.key, trial.prompt.title),
        state=state,
        status_url=reverse("take_status", args=[session.token, take.pk]),
        recordings={
            kind: Recording(kind, str(label), reverse("participant_track", args=[session.token, take.pk, kind]))
            for kind, label in LABELS.items()
        },
        words=list(take.utterances.filter(discarded=False).exclude(text="").order_by("turn", "id")),
    )


@dataclass(frozen=True, slots=True)
class Side:
    """One answer of a pair. `heard` is None if there is no recording of it.

    `beside` is a track that is played together with the answer, and `question` what the participant said, where that is
    not played with it anyway. `unanswered` says that the machine gave no answer in the talk, as far as is known, and
    `shows_words` that the words of the answer are shown from the beginning."""

    side: str
    label: str
    heard: HeardTake | None
    recording: Recording | None
    beside: Recording | None
    question: Recording | None
    listened_sec: float
    was_heard: bool
    unanswered: bool
    shows_words: bool

    @property
    def must_be_heard(self) -> bool:
        """Whether there is something to hear."""
        return self.heard is not None and not self.unanswered

    @property
    def kinds(self) -> str:
        """The tracks that are played, by name."""
        return " ".join(each.kind for each in (self.recording, self.beside) if each is not None)

    @property
    def field(self) -> str:
        """Name of the hidden field that counts the seconds that were heard."""
        return f"listened-{self.side}"


@require_safe
@session_page()
def compare(request: HttpRequest, session: Session, pair: int) -> HttpResponse:
    """Shows the answers of a pair and the questions about it. If the study requires it, every recorded answer must be
    heard before the page can be left."""
    page = QuestionPage(session, Page("compare", pair=pair))
    context = {
        "sides": sides_of(page),
        "comparison": page.protocol.comparison,
        "prompt": page.protocol.prompt(page.pair[0].prompt.key),
        **asked_context(page),
    }
    return render(request, "participant/comparing/compare.html", frame(request, session, **context))


def sides_of(page: QuestionPage) -> list[Side]:
    """Returns the answers of the page in reading order."""
    return [_side(page, trial, label) for trial, label in zip(page.pair, page.labels.values(), strict=True)]


def _side(page: QuestionPage, trial: Trial, label: str) -> Side:
    take = trial.take
    heard = heard_take(page.session, take) if take is not None else None
    unanswered = trial in page.unanswered
    if heard is None or heard.state == "missing":
        return Side(trial.side, label, None, None, None, None, 0, False, unanswered, False)
    answer = trial.answers.filter(item=LISTENED, questionnaire="").order_by("revision").last()
    listened_sec = float(answer.value or 0) if answer is not None else 0.0
    both = page.protocol.comparison.track == "conversation"
    played = {Track.Kind.AGENT, Track.Kind.HEARD} if both else {Track.Kind.AGENT}
    done = listened_sec > 0 and was_heard(listened_sec, _audible_sec(heard.take, played))
    transcripts = page.protocol.comparison.transcripts
    return Side(
        side=trial.side,
        label=label,
        heard=heard,
        recording=heard.recordings["agent"],
        beside=heard.recordings["heard"] if both else None,
        question=None if both else heard.recordings["participant"],
        listened_sec=listened_sec,
        was_heard=done,
        unanswered=unanswered,
        shows_words=transcripts == "always" or (transcripts == "after_hearing" and done),
    )


def _audible_sec(take: Take, kinds: Collection[str]) -> float:
    """Returns how much there is to hear in these tracks together, in seconds: all of them where nobody has looked, and
    0 while the take is being filed. The page counts in the same way (js/players/audible.js)."""
    tracks = list(take.tracks.filter(kind__in=kinds))
    found = [track.audible_sec for track in tracks]
    spans = sorted(span for spans in found if spans is not None for span in spans)
    if None in found or not found:
        return max((track.duration_ms / 1_000 for track in tracks), default=0.0)
    total = end = 0.0
    for start, duration in spans:
        total += max(0.0, start + duration - max(start, end))
        end = max(end, start + duration)
    return total


def not_heard(page: QuestionPage) -> str:
    """Returns a message that names the answers that must still be heard, or an empty text."""
    if not page.protocol.comparison.must_listen:
        return ""
    left = [side.label for side in sides_of(page) if side.must_be_heard and not side.was_heard]
    return _("Please listen to the end first: %(answers)s.") % {"answers": ", ".join(left)} if left else ""
