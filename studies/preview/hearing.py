"""Decides whether participants may hear themselves before a take, and in which voices."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from inference.contract.errors import OptionError
from inference.contract.latency import latency_samples
from inference.contract.tokens import PreviewRequest, VoiceSegment
from studies.errors import TakeRefused
from studies.models import Condition, ConsentEvent, Session
from studies.protocol.free_voice import free_segment
from studies.protocol.schema import offer_parts
from studies.publish import session_protocol
from studies.talk.requests import voice_segment
from studies.talk.takes import check_visit

AT_REST: Final[frozenset[str]] = frozenset({ConsentEvent.Purpose.RECORD})
PURPOSES: Final = (ConsentEvent.Purpose.PARTICIPATE, ConsentEvent.Purpose.RECORD, ConsentEvent.Purpose.CONVERT)


@dataclass(frozen=True, slots=True)
class Hearing:
    """The voices in which a participant may hear themselves.

    `voices` are in an order drawn for the session, so that their numbers reveal nothing. `free` allows any voice that
    the sliders can make, too. `slowest` is the voice whose round trip is measured. `third_party` allows converters that
    send the voice to somebody else."""

    voices: tuple[VoiceSegment, ...]
    free: bool
    slowest: VoiceSegment
    latency_samples: int | None
    third_party: bool = False

    @property
    def purposes(self) -> frozenset[str]:
        """The purposes for which the voice is used while a sentence is rendered."""
        return frozenset({*PURPOSES, *([ConsentEvent.Purpose.THIRD_PARTY] if self.third_party else [])})

    def request(self, order: Mapping[str, Any]) -> PreviewRequest:
        """Returns what a `render` asks for, by `voice` (a number) or `parameters`. Raises TakeRefused."""
        voice, parameters = order.get("voice"), order.get("parameters")
        if isinstance(voice, int) and 0 <= voice < len(self.voices):
            return self._of(self.voices[voice])
        if self.free and isinstance(parameters, Mapping):
            try:
                return self._of(voice_segment(free_segment(parameters), self.slowest.seed))
            except OptionError as error:
                raise TakeRefused(
                    "bad_voice", _("A voice with these settings cannot be made. Please move the sliders.")
                ) from error
        raise TakeRefused("not_offered", _("In this study you cannot hear this voice before the conversation."))

    def probe(self) -> PreviewRequest:
        """Returns the request for silence, by which the round trip is measured."""
        return self._of(self.slowest)

    def _of(self, voice: VoiceSegment) -> PreviewRequest:
        return PreviewRequest((voice,), self.latency_samples)


def session_of(token: str) -> Session:
    """Returns the session. Raises TakeRefused unless it is in progress."""
    session = Session.objects.select_related("version__study").filter(token=token).first()
    if session is None:
        raise TakeRefused("unknown_session", _("This link is not valid."))
    check_visit(session, AT_REST, begins=True)
    return session


def hearing_of(session: Session) -> Hearing:
    """Returns what may be heard by the protocol and by the consents given until now."""
    protocol = session_protocol(session)
    conditions = conditions_of(session)
    distinct = _distinct(session, conditions)
    granted = session.agreed
    agreed = granted.issuperset(PURPOSES)
    return Hearing(
        voices=tuple(distinct) if agreed and protocol.hear_yourself != "off" else (),
        free=agreed and protocol.offer is not None and protocol.offer.free_voice,
        slowest=max(distinct, key=_slowness, default=VoiceSegment()),
        latency_samples=conditions[0].latency_samples if conditions else None,
        third_party=ConsentEvent.Purpose.THIRD_PARTY in granted,
    )


def voice_numbers(session: Session) -> dict[str, int]:
    """Returns the number under which each voice of an explore study can be heard, by its key in the offer; empty where
    the study lets nobody hear themselves before the talk."""
    protocol = session_protocol(session)
    if protocol.offer is None or protocol.hear_yourself == "off":
        return {}
    seed = session.seed & 0x7FFFFFFF
    conditions = conditions_of(session)
    numbers = {_sound(segment): number for number, segment in enumerate(_distinct(session, conditions))}
    return {
        offer_parts(condition.key)[1]: numbers[_sound(voice_segment(condition.voices[0], seed))]
        for condition in conditions
    }


def _distinct(session: Session, conditions: Sequence[Condition]) -> list[VoiceSegment]:
    seed = session.seed & 0x7FFFFFFF
    spoken = [voice_segment(voice, seed) for condition in conditions for voice in condition.voices]
    distinct = list({_sound(segment): _whole(segment) for segment in spoken}.values())
    random.Random(seed).shuffle(distinct)  # noqa: S311  blinding, not secrecy
    return distinct


def conditions_of(session: Session) -> list[Condition]:
    """Returns the conditions of the session's plan, or all conditions if it has no plan."""
    planned = session.trials.filter(pair__isnull=False).values("condition")
    return list(session.version.conditions.filter(pk__in=planned) or session.version.conditions.all())


def _whole(segment: VoiceSegment) -> VoiceSegment:
    """Returns a schedule with one segment from the first sample to the last."""
    return replace(segment, start_sample=0, end_sample=None)


def _sound(segment: VoiceSegment) -> tuple[Any, ...]:
    return segment.converter, tuple(sorted(segment.parameters.items())), segment.target


def _slowness(segment: VoiceSegment) -> float:
    """A sort key: voices whose latency only a worker knows come first."""
    known = latency_samples(segment.converter, segment.parameters)
    return float("inf") if known is None else known
