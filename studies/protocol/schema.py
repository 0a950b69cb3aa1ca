"""What a study is, as data: the one schema behind YAML files, published versions and (later) the form editor.

The shape is checked here, field by field; what ties fields together is checked in `rules.py`; reading, writing and
hashing are in `document.py`. Unknown keys are errors everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

SCHEMA_VERSION = 1

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=50)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Markdown = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Option = str | int | float | bool | None
Place = tuple[int | str, ...]


class Strict(BaseModel):
    """Frozen; refuses unknown keys and values of the wrong type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Purpose(Strict):
    """One thing a participant agrees to on its own. Someone who refuses a required one cannot take part."""

    key: Literal["participate", "record", "convert", "voice_donation", "third_party"]
    label: Line
    required: bool = True


class Consent(Strict):
    """The document that is shown, hashed and agreed to."""

    text: Markdown
    purposes: Annotated[list[Purpose], Field(min_length=1)]


class Audio(Strict):
    """How the browser captures and sends. The first three are asked of the browser; what it really did is recorded."""

    echo_cancellation: bool = False
    noise_suppression: bool = False
    auto_gain_control: bool = False
    uplink: Literal["pcm16"] = "pcm16"


class PromptCard(Strict):
    """What the participant is asked to talk about."""

    key: Key
    title: Line
    card: Markdown
    limit_sec: Annotated[int, Field(ge=5, le=1_800)] = 120


class Segment(Strict):
    """One stretch of a voice schedule: a preset by name, or a converter with parameters and, where it needs one, the
    key of a target voice. Times count from the start of the talk; an open `end_sec` lasts to its end. `if_lost` is the
    voice in which a talk goes on whose converter server is lost; without it the take ends."""

    preset: str | None = None
    converter: str | None = None
    target: Key | None = None
    if_lost: Literal["natural", "sham"] | None = None
    parameters: dict[str, float | None] = Field(default_factory=dict)
    start_sec: Annotated[float, Field(ge=0, le=1_800)] = 0
    end_sec: Annotated[float, Field(gt=0, le=1_800)] | None = None


class ConditionCell(Strict):
    """One design cell: who answers, and in which voice the participant is heard."""

    key: Key
    label: Annotated[Line, StringConstraints(max_length=120)]
    engine: str
    options: dict[str, Option] = Field(default_factory=dict)
    text_prompt: Annotated[str, StringConstraints(max_length=8_000)] = ""
    voice_prompt: Annotated[str, StringConstraints(max_length=200)] = ""
    voices: Annotated[list[Segment], Field(min_length=1)] = [Segment(preset="natural")]


class Pair(Strict):
    """One prompt under two conditions, whose answers are compared."""

    prompt: Key
    conditions: Annotated[list[Key], Field(min_length=2, max_length=2)]


class EngineOffer(Strict):
    """An engine a visitor may choose."""

    engine: str
    options: dict[str, Option] = Field(default_factory=dict)
    text_prompt: Annotated[str, StringConstraints(max_length=8_000)] = ""
    voice_prompt: Annotated[str, StringConstraints(max_length=200)] = ""


class VoiceOffer(Strict):
    """A voice a visitor may choose to be heard in."""

    key: Key
    label: Annotated[Line, StringConstraints(max_length=60)]
    about: str = ""
    voices: Annotated[list[Segment], Field(min_length=1)]


FREE_VOICE = VoiceOffer(
    key="free",
    label="A voice of your own making",
    about="Set with sliders, and heard before you talk.",
    voices=[Segment(converter="transform")],
)
"""Stands for what a visitor makes of it: a trial keeps the parameters (see `Trial.voices`)."""


class Offer(Strict):
    """What a visitor may combine freely in a study of kind `explore`. `free_voice`: also a voice of their own making,
    with sliders."""

    engines: Annotated[list[EngineOffer], Field(min_length=1)]
    voices: Annotated[list[VoiceOffer], Field(min_length=1)]
    free_voice: bool = False


class Likert(Strict):
    """A scale from 1 to `points`, with words at both ends."""

    type: Literal["likert"]
    key: Key
    text: Line
    low: Line
    high: Line
    points: Annotated[int, Field(ge=2, le=11)] = 7
    required: bool = True


class ChoiceOption(Strict):
    key: Key
    label: Line


class Choice(Strict):
    """One of several answers."""

    type: Literal["choice"]
    key: Key
    text: Line
    options: Annotated[list[ChoiceOption], Field(min_length=2)]
    required: bool = True


class Text(Strict):
    """Words of the participant's own."""

    type: Literal["text"]
    key: Key
    text: Line
    max_length: Annotated[int, Field(ge=1, le=10_000)] = 2_000
    required: bool = False


Rating = Annotated[Likert | Choice | Text, Field(discriminator="type")]


class Preference(Strict):
    """Which of the two answers: A, B or, where allowed, no difference."""

    type: Literal["preference"] = "preference"
    key: Key
    text: Line
    no_difference: bool = True


class Completion(Strict):
    """`code` is shown to everyone who finishes; without it each person gets one of their own."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,12}$")] | None = None


def _yaml_off(value: object) -> object:
    """YAML reads an unquoted `off` as false."""
    return "off" if value is False else value


HearYourself = Annotated[Literal["off", "preview", "live"], BeforeValidator(_yaml_off)]


class Protocol(Strict):
    """A whole study. `kind` paired: a fixed plan of pairs. `kind` explore: visitors choose engine and voice.

    `match_delay`: the engine hears the participant equally late in all conditions, as late as in the slowest voice.
    `hear_yourself`: whether participants may hear themselves as the engine does, before the talk (preview) or during
    it too (live)."""

    version: Literal[1]
    kind: Literal["paired", "explore"]
    title: Annotated[Line, StringConstraints(max_length=200)]
    summary: Line
    welcome: Markdown
    consent: Consent
    audio: Audio = Audio()
    match_delay: bool = True
    hear_yourself: HearYourself = "off"
    prompts: Annotated[list[PromptCard], Field(min_length=1)]
    conditions: list[ConditionCell] = Field(default_factory=list)
    pairs: list[Pair] = Field(default_factory=list)
    offer: Offer | None = None
    ratings: list[Rating] = Field(default_factory=list)
    comparison: list[Preference] = Field(default_factory=list)
    completion: Completion = Completion()
    debrief: Markdown

    def cells(self) -> list[ConditionCell]:
        """Every condition a trial may run under: those listed, or every offered engine with every offered voice."""
        if self.offer is None:
            return list(self.conditions)
        one = len(self.offer.engines) == 1
        voices = [*self.offer.voices, *([FREE_VOICE] if self.offer.free_voice else [])]
        return [_cell(engine, voice, one) for engine in self.offer.engines for voice in voices]

    def schedules(self) -> Iterator[tuple[Place, list[Segment]]]:
        """(place in the document, segments) of every voice schedule that is written there."""
        for index, condition in enumerate(self.conditions):
            yield ("conditions", index, "voices"), condition.voices
        for index, voice in enumerate(self.offer.voices if self.offer else ()):
            yield ("offer", "voices", index, "voices"), voice.voices


def offer_key(engine: str, voice: str) -> str:
    """The key of the condition that an explore study makes of an offered engine and voice."""
    return f"{engine}--{voice}"


def _cell(engine: EngineOffer, voice: VoiceOffer, only_engine: bool) -> ConditionCell:
    shared: dict[str, Any] = engine.model_dump()
    label = voice.label if only_engine else f"{voice.label}, {engine.engine}"
    return ConditionCell(key=offer_key(engine.engine, voice.key), label=label, voices=voice.voices, **shared)
