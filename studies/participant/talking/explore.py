"""The one page of an explore study: consent, microphone, what a visitor can choose, the talk, and the talks so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.db import transaction
from django.db.models import Max
from django.forms.boundfield import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from inference.contract.audio import UPLINK_SAMPLES
from inference.contract.catalog import ENGINES, Entry
from studies.design.visit import Page
from studies.models import Condition, ConsentEvent, Metric, Session, Take, Track, Trial
from studies.participant import flow
from studies.participant.access import frame, go_on, session_page
from studies.participant.checking.page import capture_settings, preview_url
from studies.participant.comparing.differences import differences, is_being_measured
from studies.participant.comparing.page import HeardTake, heard_take
from studies.participant.consenting import documents
from studies.participant.consenting.page import LISTEN, ConsentForm
from studies.participant.language import ASK
from studies.participant.leaving.finishing import finish
from studies.preview.hearing import voice_numbers
from studies.protocol.cells import FREE_VOICE, EngineOffer
from studies.protocol.free_voice import free_segment
from studies.protocol.schema import Protocol, offer_key, offer_parts
from studies.protocol.voices import converts, resolved
from studies.publish import session_protocol
from studies.talk.workers.availability import is_served
from studies.talk.workers.needs import choices_of

MISSING = {"required": _("Please choose an answer.")}
TALKED = (Take.State.ENDED, Take.State.FINAL, Take.State.FAILED)
PITCH = "f0_median_hz"


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def explore(request: HttpRequest, session: Session) -> HttpResponse:
    """Shows everything in one place. With `decision` "finish" the visitor is done, and is led home."""
    protocol = session_protocol(session)
    if protocol.offer is None:
        return go_on(session)
    agreed = session.consent(ConsentEvent.Purpose.PARTICIPATE) is not None
    if request.method == "POST":
        return _leave(session, protocol) if agreed and request.POST.get("decision") == "finish" else go_on(session)
    offered = options(session, protocol)
    talked = finished_takes(session)
    form = ExploreForm(offered, initial=_initial(request, offered, talked[0] if talked else None))
    context = frame(
        request,
        session,
        form=form,
        offered=offered,
        consent_form=None if agreed else ConsentForm(protocol.consent),
        language=documents.spoken(session),
        talks=[own_talk(session, take, offered) for take in by_question(talked)],
        explore_config=_config(session, protocol, talked) | {"listen": agreed and LISTEN in request.GET},
    )
    return render(request, "participant/talking/explore.html", context)


def _leave(session: Session, protocol: Protocol) -> HttpResponse:
    """Ends the visit. A demo after which nothing is asked leads home; elsewhere the debrief has a code to show."""
    flow.mark_done(session, Page("explore"))
    is_demo = session.study.is_demo and session.mode == Session.Mode.LIVE and protocol.recruiter.service == "none"
    if not is_demo or flow.current_step(session) != flow.DEBRIEF:
        return go_on(session)
    finish(session)
    return redirect(f"{reverse('start')}?{urlencode({ASK: documents.spoken(session)})}")


def _config(session: Session, protocol: Protocol, talked: Sequence[Take]) -> dict[str, Any]:
    """Returns what js/explore/explore.js needs."""

    def address(name: str) -> str:
        return f"{reverse(name, args=[session.token])}?epoch={session.epoch}"

    return {
        "consentUrl": address("consent"),
        "talksUrl": address("begin_talk"),
        "againUrl": address("ask_again"),
        "talkUrl": reverse("own_talk", args=[session.token, "00000000-0000-0000-0000-000000000000"]),
        "hereUrl": reverse("resume", args=[session.token]),
        "doneUrl": reverse("explore", args=[session.token]),
        "previewUrl": preview_url(session),
        "sampleUrl": static("studies/audio/sample-sentence.flac"),
        "limitMs": max(prompt.limit_sec for prompt in protocol.prompts) * 1_000,
        "uplinkSamples": UPLINK_SAMPLES,
        "capture": capture_settings(session),
        "hearYourself": protocol.hear_yourself == "live",
        "agreed": sorted(session.agreed),
        "ownPitchHz": _own_pitch_hz(talked),
    }


def _own_pitch_hz(talked: Sequence[Take]) -> float | None:
    """Returns the visitor's median pitch in their newest talk of which it is known."""
    known = Metric.objects.filter(take__in=talked, track=Track.Kind.PARTICIPANT, name=PITCH, value__isnull=False)
    return known.order_by("-take__created_at").values_list("value", flat=True).first()


def _initial(request: HttpRequest, offered: Options, latest: Take | None) -> dict[str, str]:
    """Returns what is selected at first: what the address asks for, else what the latest talk had, else the first that
    can be chosen."""
    groups = {"prompt": offered.prompts, "voice": offered.voices, "engine": offered.engines}
    asked = {name: request.GET[name] for name in groups if name in request.GET}
    before = {"prompt": latest.trial.prompt.key, **chosen_in(latest.trial)} if latest is not None else {}
    initial = {}
    for name, cards in groups.items():
        keys = [card.key for card in cards if not card.unavailable]
        wanted = [key for key in (asked.get(name), before.get(name)) if key in keys]
        initial[name] = (wanted or keys or [""])[0]
    return initial


@require_safe
@session_page()
def side_by_side(request: HttpRequest, session: Session) -> HttpResponse:
    """Compares two takes or more, which the query parameter `take` chooses, by what was measured in them."""
    chosen = set(request.GET.getlist("take"))
    takes = [take for take in reversed(finished_takes(session)) if str(take.pk) in chosen]
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

    CHOSEN: ClassVar[Sequence[str]] = ("voice", "engine", "prompt")

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
    """One option as visitors see it. For a prompt, `about` is Markdown.

    `purpose` is what must be agreed to for it, beside taking part and being recorded. For a voice, `number` is that by
    which the preview knows it (see `studies.preview.hearing`), and `parameters` are those of its first segment.
    `unavailable` says what it needs to be chosen, and is empty for what can be chosen now."""

    key: str
    label: str
    about: str
    purpose: str = ""
    number: int | None = None
    parameters: Mapping[str, Any] | None = None
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
    engine that a third party runs. Before the visitor has decided, everything is listed."""
    if protocol.offer is None:
        return Options([], [], [])
    undecided = session.consent(ConsentEvent.Purpose.PARTICIPATE) is None
    asked = {purpose.key for purpose in protocol.consent.purposes}
    allowed = asked if undecided else session.agreed
    numbers = voice_numbers(session)
    voices = [
        Card(
            voice.key,
            voice.label,
            voice.about,
            ConsentEvent.Purpose.CONVERT if converts(voice.voices) else "",
            numbers.get(voice.key),
            resolved(voice.voices[0])["parameters"],
        )
        for voice in protocol.offer.voices
    ]
    made = last_parameters(session)
    if made and protocol.offer.free_voice:
        label, about = gettext(FREE_VOICE.label), gettext(FREE_VOICE.about)
        voices.append(Card(FREE_VOICE.key, label, about, ConsentEvent.Purpose.CONVERT, None, made))
    engines = [machine_card(engine) for engine in protocol.offer.engines]
    return Options(
        prompts=[Card(prompt.key, prompt.title, prompt.whole_card) for prompt in protocol.prompts],
        voices=[card for card in voices if not card.purpose or card.purpose in allowed],
        engines=[card for card in engines if not card.purpose or card.purpose in allowed],
        free_voice=ConsentEvent.Purpose.CONVERT in allowed and protocol.offer.free_voice,
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
    purpose = ConsentEvent.Purpose.THIRD_PARTY if entry.third_party else ""
    return Card(offer.name, offer.label or gettext(entry.label), about, purpose, unavailable=unavailable)


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
def choose(session: Session, choice: Mapping[str, str], own_voices: list[dict[str, Any]] | None = None) -> Trial:
    """Returns the trial for a choice of `prompt`, `voice` and `engine`.

    A trial of the same choice without takes is reused, so that asking twice creates only one. `own_voices` is the
    schedule of a free voice, and is stored in the trial."""
    Session.objects.select_for_update().get(pk=session.pk)
    condition = session.version.conditions.get(key=offer_key(choice["engine"], choice["voice"]))
    card = session.version.prompts.get(key=choice["prompt"])
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


def chosen_in(trial: Trial) -> dict[str, str]:
    """Returns the voice and the engine that were chosen for a trial, by their keys in the offer."""
    engine, voice = offer_parts(trial.condition.key)
    return {"engine": engine, "voice": voice}


def free_schedule(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the voice schedule of a free voice. Raises OptionError."""
    return [free_segment(parameters)]


def last_parameters(session: Session) -> dict[str, float]:
    """Returns the parameters of the free voice that was chosen last; empty before there is one."""
    made = session.trials.filter(own_voices__isnull=False).order_by("-position").first()
    return dict(made.own_voices[0]["parameters"]) if made is not None and made.own_voices else {}


def finished_takes(session: Session) -> list[Take]:
    """Returns all takes that have started and ended and were not erased, newest first."""
    takes = Take.objects.filter(trial__session=session, state__in=TALKED, started_at__isnull=False)
    kept = takes.filter(erased_because=Take.ErasedBecause.NOT_ERASED)
    return list(kept.select_related("trial__prompt", "trial__condition", "asked_from").order_by("-created_at"))


def by_question(takes: Sequence[Take]) -> list[Take]:
    """Returns these takes, newest first, so that a question that was asked again stands beside its first answer."""
    asked: dict[Any, list[Take]] = {}
    for take in reversed(takes):
        asked.setdefault(take.asked_from_id or take.pk, []).append(take)
    return [take for same in reversed(asked.values()) for take in same]


@dataclass(frozen=True, slots=True)
class OwnTalk:
    """One talk of the visitor, and the voices in which its question can be asked again; the talk's own is the first."""

    heard: HeardTake
    voice: str
    voices: Sequence[Card]
    pitch_hz: float | None

    @property
    def take(self) -> Take:
        return self.heard.take


def own_talk(session: Session, take: Take, offered: Options) -> OwnTalk:
    voice = chosen_in(take.trial)["voice"]
    ordered = sorted(offered.voices, key=lambda card: card.key != voice)
    heard = take.metrics.filter(track=Track.Kind.HEARD, name=PITCH).first()
    return OwnTalk(heard_take(session, take), voice, ordered, heard.value if heard is not None else None)
