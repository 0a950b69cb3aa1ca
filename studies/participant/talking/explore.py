"""What a visitor of an explore study can choose, the trial that a choice makes, and the talks so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext

from inference.contract.catalog import ENGINES
from studies.models import ConsentEvent, Session, Take, Trial
from studies.protocol.free_voice import free_segment
from studies.protocol.schema import Protocol, offer_key
from studies.protocol.voices import converts

TALKED = (Take.State.ENDED, Take.State.FINAL, Take.State.FAILED)


@dataclass(frozen=True, slots=True)
class Card:
    """One option as people see it; `about` of a prompt is Markdown."""

    key: str
    label: str
    about: str


@dataclass(frozen=True, slots=True)
class Options:
    """Everything there is to choose from. `free_voice`: also a voice that sliders make."""

    prompts: list[Card]
    voices: list[Card]
    engines: list[Card]
    free_voice: bool = False


def options(session: Session, protocol: Protocol) -> Options:
    """What is offered. Without consent to conversion there are only voices that leave the own one as it is; without
    consent to third parties no engine that somebody else runs."""
    if protocol.offer is None:
        return Options([], [], [])
    may_convert = session.consent(ConsentEvent.Purpose.CONVERT) is not None
    may_send = session.consent(ConsentEvent.Purpose.THIRD_PARTY) is not None
    return Options(
        prompts=[Card(prompt.key, prompt.title, prompt.whole_card) for prompt in protocol.prompts],
        voices=[
            Card(voice.key, voice.label, voice.about)
            for voice in protocol.offer.voices
            if may_convert or not converts(voice.voices)
        ],
        engines=[
            Card(engine.engine, gettext(ENGINES[engine.engine].label), about_engine(engine.engine))
            for engine in protocol.offer.engines
            if may_send or not ENGINES[engine.engine].third_party
        ],
        free_voice=may_convert and protocol.offer.free_voice,
    )


def about_engine(name: str) -> str:
    """What participants read of an engine, with whether their voice leaves for somebody else."""
    entry = ENGINES[name]
    about = gettext(entry.about)
    return f"{about} {gettext('Your voice is sent to somebody else, who runs it.')}" if entry.third_party else about


@transaction.atomic
def choose(
    session: Session, *, prompt: str, voice: str, engine: str, parameters: Mapping[str, float] | None = None
) -> Trial:
    """The trial for a choice. One that was chosen before and never talked in is taken again, so that sending twice
    makes one trial. `parameters`: of a free voice, which the trial keeps. Raises OptionError."""
    own_voices = None if parameters is None else [free_segment(parameters)]
    Session.objects.select_for_update().get(pk=session.pk)
    condition = session.version.conditions.get(key=offer_key(engine, voice))
    card = session.version.prompts.get(key=prompt)
    for unused in session.trials.filter(prompt=card, condition=condition, takes=None):
        if unused.own_voices == own_voices:
            return unused
    last = session.trials.aggregate(last=Max("position"))["last"]
    return Trial.objects.create(
        session=session,
        position=0 if last is None else last + 1,
        prompt=card,
        condition=condition,
        own_voices=own_voices,
    )


def last_parameters(session: Session) -> dict[str, float]:
    """Of the free voice that was talked with last; empty before there is one."""
    made = session.trials.filter(own_voices__isnull=False).order_by("-position").first()
    return dict(made.own_voices[0]["parameters"]) if made is not None and made.own_voices else {}


def finished_takes(session: Session) -> list[Take]:
    """Every take in which something was said, newest first."""
    takes = Take.objects.filter(trial__session=session, state__in=TALKED, started_at__isnull=False)
    return list(takes.select_related("trial__prompt", "trial__condition").order_by("-created_at"))
