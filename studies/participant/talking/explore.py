"""The pages of an explore study: what a visitor can choose, the trial of a choice, the talks so far, and takes side by
side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.db import transaction
from django.db.models import Max
from django.forms.boundfield import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from inference.contract.catalog import ENGINES, Entry
from studies.design.visit import Page
from studies.models import Condition, ConsentEvent, Session, Take, Trial
from studies.participant.access import frame, go_on, session_page
from studies.participant.comparing.differences import differences, is_being_measured
from studies.participant.comparing.page import heard_take
from studies.participant.flow import mark_done
from studies.protocol.cells import EngineOffer
from studies.protocol.free_voice import free_segment
from studies.protocol.schema import Protocol, offer_key
from studies.protocol.voices import converts
from studies.publish import session_protocol
from studies.talk.workers.availability import is_served
from studies.talk.workers.needs import choices_of

MOST_SIDE_BY_SIDE = 4
MISSING = {"required": _("Please choose an answer.")}
TALKED = (Take.State.ENDED, Take.State.FINAL, Take.State.FAILED)


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def explore(request: HttpRequest, session: Session) -> HttpResponse:
    """Shows what the visitor can choose, and the talks so far, newest first."""
    protocol = session_protocol(session)
    if protocol.offer is None:
        return go_on(session)
    if request.method == "POST" and request.POST.get("decision") == "finish":
        mark_done(session, Page("explore"))
        return go_on(session)
    offered = options(session, protocol)
    talked = finished_takes(session)
    initial = _initial(request, offered, talked[0] if talked else None)
    form = ExploreForm(offered, request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        trial = choose(session, **form.cleaned_data)
        return redirect("talk", session.token, trial.position)
    takes = [heard_take(session, take) for take in talked]
    context = frame(request, session, form=form, offered=offered, takes=takes, latest=takes[0] if takes else None)
    return render(request, "participant/talking/explore.html", context, status=422 if form.errors else 200)


def _initial(request: HttpRequest, offered: Options, latest: Take | None) -> dict[str, str]:
    """Returns what is selected at first: what the address asks for, else the prompt of the latest talk, else the first
    option."""
    first = {"prompt": offered.prompts, "voice": offered.voices, "engine": offered.engines}
    able = {name: [card for card in cards if not card.unavailable] for name, cards in first.items()}
    initial = {name: cards[0].key for name, cards in able.items() if cards}
    if latest is not None:
        initial["prompt"] = latest.trial.prompt.key
    return initial | {name: request.GET[name] for name in first if name in request.GET}


@require_safe
@session_page()
def side_by_side(request: HttpRequest, session: Session) -> HttpResponse:
    """Shows two to four takes side by side, which the query parameter `take` chooses."""
    chosen = set(request.GET.getlist("take"))
    takes = [take for take in reversed(finished_takes(session)) if str(take.pk) in chosen][:MOST_SIDE_BY_SIDE]
    if len(takes) < 2:
        return redirect("explore", session.token)
    context = frame(
        request,
        session,
        takes=[heard_take(session, take) for take in takes],
        tables=differences(takes),
        measuring=any(is_being_measured(take) for take in takes),
    )
    return render(request, "participant/talking/side_by_side.html", context)


class ExploreForm(forms.Form):
    """What a visitor chooses: a prompt, a voice and an engine."""

    CHOSEN: ClassVar[Sequence[str]] = ("prompt", "voice", "engine")

    def __init__(self, offered: Options, data: Any = None, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        groups = {"prompt": offered.prompts, "voice": offered.voices, "engine": offered.engines}
        self.cards = {name: groups[name] for name in self.CHOSEN}
        for name, cards in self.cards.items():
            self.fields[name] = forms.ChoiceField(
                choices=[(card.key, card.label) for card in cards if not card.unavailable],
                widget=forms.RadioSelect,
                error_messages=MISSING,
            )

    def groups(self) -> Iterator[tuple[BoundField, list[Card]]]:
        for name, cards in self.cards.items():
            yield self[name], cards


@dataclass(frozen=True, slots=True)
class Card:
    """One option as visitors see it. For a prompt, `about` is Markdown. `unavailable` says what it needs to be chosen,
    and is empty for what can be chosen now."""

    key: str
    label: str
    about: str
    unavailable: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that a visitor can choose. `free_voice` says whether they can also set a voice with sliders."""

    prompts: list[Card]
    voices: list[Card]
    engines: list[Card]
    free_voice: bool = False


def options(session: Session, protocol: Protocol) -> Options:
    """Returns what is offered in a session.

    Without consent to conversion, only voices that do not convert are offered; without consent to third parties, no
    engine that a third party runs."""
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
            machine_card(engine)
            for engine in protocol.offer.engines
            if may_send or not ENGINES[engine.engine].third_party
        ],
        free_voice=may_convert and protocol.offer.free_voice,
    )


def machine_card(offer: EngineOffer) -> Card:
    """Returns an offered machine as visitors see it.

    A machine that no inference worker runs is marked where it needs more than others do: an engine that needs a GPU or
    a key, or an engine's larger model or further voice. Any other is waited for in the queue of the talk."""
    entry = ENGINES[offer.engine]
    unavailable = ""
    chosen = choices_of(offer.options, offer.voice_prompt)
    if (entry.needs or chosen) and not is_served(offer.engine, offer.options, offer.voice_prompt):
        missing = _(
            "The weights for it are not on this machine: run make weights while it is connected to the internet."
        )
        unavailable = gettext(entry.needs) if entry.needs else str(missing)
    about = about_engine(offer.engine) if not offer.about else " ".join([offer.about, *_sent_away(entry)])
    return Card(offer.name, offer.label or gettext(entry.label), about, unavailable)


def machine_of(session: Session, condition: Condition) -> Card | None:
    """Returns the offered machine of a condition; None in a planned study."""
    offer = session_protocol(session).offer
    machines = offer.engines if offer is not None else []
    voice = condition.key.rpartition("--")[2]
    return next((machine_card(each) for each in machines if offer_key(each.name, voice) == condition.key), None)


def about_engine(name: str) -> str:
    """Returns the description of an engine for participants, which says if their voice is sent to a third party."""
    entry = ENGINES[name]
    return " ".join([gettext(entry.about), *_sent_away(entry)])


def _sent_away(entry: Entry) -> list[str]:
    return [gettext("Your voice is sent to somebody else, who runs it.")] if entry.third_party else []


@transaction.atomic
def choose(
    session: Session, *, prompt: str, voice: str, engine: str, parameters: Mapping[str, float] | None = None
) -> Trial:
    """Returns the trial for a choice.

    A trial of the same choice without takes is reused, so that sending the form twice creates only one. `parameters`
    are those of a free voice, and are stored in the trial. Raises OptionError."""
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
    """Returns the parameters of the free voice that was chosen last; empty before there is one."""
    made = session.trials.filter(own_voices__isnull=False).order_by("-position").first()
    return dict(made.own_voices[0]["parameters"]) if made is not None and made.own_voices else {}


def finished_takes(session: Session) -> list[Take]:
    """Returns all takes that have started and ended, newest first."""
    takes = Take.objects.filter(trial__session=session, state__in=TALKED, started_at__isnull=False)
    return list(takes.select_related("trial__prompt", "trial__condition").order_by("-created_at"))
