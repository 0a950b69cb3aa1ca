"""A take as a participant may hear and read it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from studies.models import Session, Take, Utterance
from studies.protocol.cells import FREE_VOICE
from studies.publish import session_protocol

LABELS = {"agent": _("The machine"), "heard": _("You, as the machine heard you"), "participant": _("You")}


@dataclass(frozen=True, slots=True)
class Recording:
    """One track to play."""

    kind: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class HeardTake:
    """`state`: `filing` while the tracks are being made, `ready`, or `missing` when there is nothing to play.
    `label` and `title` name its condition and its prompt in the session's language. `status_url` answers with the state
    as JSON."""

    take: Take
    label: str
    title: str
    state: Literal["filing", "ready", "missing"]
    status_url: str
    recordings: dict[str, Recording]
    words: Sequence[Utterance]

    @property
    def agent_silent(self) -> bool:
        """Whether there are no words of the machine's, and none will come."""
        return self.state == "ready" and not any(said.role == Utterance.Role.AGENT for said in self.words)

    @property
    def participant_unwritten(self) -> bool:
        """Whether the machine's words are there, and none of the participant's will be."""
        return self.state == "ready" and all(said.role == Utterance.Role.AGENT for said in self.words)


def heard_take(session: Session, take: Take) -> HeardTake:
    """All tracks of a take with their addresses. A take that is still being filed has its addresses already."""
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
        label=trial.called(gettext(label) if label == FREE_VOICE.label else label),
        title=titles.get(trial.prompt.key, trial.prompt.title),
        state=state,
        status_url=reverse("take_status", args=[session.token, take.pk]),
        recordings={
            kind: Recording(kind, str(label), reverse("participant_track", args=[session.token, take.pk, kind]))
            for kind, label in LABELS.items()
        },
        words=list(take.utterances.filter(discarded=False).exclude(text="").order_by("turn", "id")),
    )
