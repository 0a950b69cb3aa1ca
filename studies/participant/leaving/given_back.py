"""What participants of a planned study get back on the last page about each of their talks that count: which answer was
which, what was said, and pictures of both voices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from django.utils.translation import gettext as _

from studies.models import Session, Take, Track, Trial
from studies.participant.answering.question_page import answer_labels
from studies.participant.comparing.differences import Table, differences, is_being_measured
from studies.participant.comparing.page import HeardTake, heard_take
from studies.protocol.schema import Protocol
from studies.publish import session_protocol

OWN_VOICE: Final = frozenset({"none", "resynthesis"})
"""Converters that leave the voice as it is."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A stretch of speech in percent of the talk."""

    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Lane:
    """When one of the two spoke. `speaker` is "participant" or "agent"."""

    speaker: str
    spoken: Sequence[Spoken]


@dataclass(frozen=True, slots=True)
class GivenTalk:
    """One talk. `told` is what the study says about its condition, in the language of its texts; empty where it says
    nothing, and then `in_own_voice` is all there is to tell. `lanes` are empty without pictures."""

    name: str
    told: str
    in_own_voice: bool
    heard: HeardTake
    lanes: Sequence[Lane]


@dataclass(frozen=True, slots=True)
class GivenTopic:
    """The talks of a pair, or a single talk. `tables` show what was measured, and are empty without pictures."""

    title: str
    talks: Sequence[GivenTalk]
    tables: Sequence[Table]

    @property
    def takes(self) -> list[HeardTake]:
        return [talk.heard for talk in self.talks]


def given_back(session: Session) -> list[GivenTopic]:
    """Returns the talks of a session in the order in which they took place. The talks of a pair stand together."""
    protocol = session_protocol(session)
    give = protocol.give_back
    if protocol.kind != "planned" or not (give.conditions or give.transcripts or give.pictures):
        return []
    trials = session.trials.filter(practice=False).select_related("prompt", "condition").order_by("position")
    talked = [(trial, take) for trial in trials if (take := trial.take) is not None]
    first = {trial.pair: trial.position for trial, _take in reversed(talked)}
    talked.sort(key=lambda talk: (_topic(talk[0], first), talk[0].side, talk[0].position))
    topics = (list(group) for _key, group in groupby(talked, key=lambda talk: _topic(talk[0], first)))
    return [_given(session, protocol, number, topic) for number, topic in enumerate(topics, start=1)]


def is_being_made(topics: Sequence[GivenTopic], protocol: Protocol) -> bool:
    """Whether more of it will be there in a moment."""
    takes = [talk.heard.take for topic in topics for talk in topic.talks]
    return protocol.give_back.pictures and any(is_being_measured(take) for take in takes)


def _topic(trial: Trial, first: dict[int | None, int]) -> int:
    """Returns the position of the first talk of the trial's pair, or its own."""
    return trial.position if trial.pair is None else first[trial.pair]


def _given(session: Session, protocol: Protocol, number: int, topic: Sequence[tuple[Trial, Take]]) -> GivenTopic:
    labels = answer_labels(protocol, [trial.side for trial, _take in topic]) if topic[0][0].pair is not None else {}
    talks = []
    for trial, take in topic:
        name = labels.get(trial.side) or _("Conversation %(number)s") % {"number": number}
        heard = replace(heard_take(session, take), label=name)
        told = protocol.condition(trial.condition.key).told or ""
        own = all(segment.get("converter", "none") in OWN_VOICE for segment in trial.voices)
        lanes = list(_lanes(take)) if protocol.give_back.pictures else []
        talks.append(GivenTalk(name, told, own, heard, lanes))
    takes = [take for _trial, take in topic]
    tables = differences(takes) if protocol.give_back.pictures else []
    return GivenTopic(talks[0].heard.title, talks, tables)


def _lanes(take: Take) -> Iterator[Lane]:
    """Yields when the participant spoke and when the machine did, as far as that is known."""
    for kind in (Track.Kind.PARTICIPANT, Track.Kind.AGENT):
        track = take.tracks.filter(kind=kind).first()
        spans = track.audible_sec if track is not None else None
        if track is not None and spans is not None and track.duration_samples:
            percent = 100_000 / track.duration_ms
            yield Lane(kind.value, [Spoken(start * percent, duration * percent) for start, duration in spans])
