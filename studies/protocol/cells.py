"""What is talked about, with whom, and in which voice: prompts, conditions, voice schedules, pairs, offers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studies.questions.fields import Key, Label, Line, Markdown, Option, Persona, Sec, Strict

MOST_COMPARED = 6


class CardSection(Strict):
    """One part of a card."""

    kind: Literal["role", "situation", "goal", "first_line", "how_to_interact", "details"]
    """What it is about; `first_line` is a suggested way to begin."""
    text: Markdown
    """The words, as Markdown."""


class OutcomeLevel(Strict):
    """One way a conversation can end (grant, refuse, deflect), and how an annotator tells."""

    key: Key
    """Its name in the data."""
    label: Line
    """Its name for annotators."""
    criteria: Markdown
    """How an annotator tells, as Markdown."""


class CriticalUnit(Strict):
    """A part of the conversation that annotators look for."""

    key: Key
    """Its name in the data."""
    label: Line
    """Its name for annotators."""
    about: Markdown | None = None
    """What to look for, as Markdown."""


class Analysis(Strict):
    """What annotators judge in conversations about a prompt."""

    critical_units: list[CriticalUnit] = []
    """Parts of the conversation to be marked."""
    outcomes: list[OutcomeLevel] = []
    """Ways the conversation can end, one of which is chosen."""


class PromptCard(Strict):
    """What the participant is asked to talk about: a card in sections, or as one text, or both."""

    key: Key
    """Its name in the data."""
    title: Annotated[Line, Field(max_length=200)]
    """Heading of the card."""
    card: Markdown | None = None
    """The card as one text, as Markdown."""
    sections: list[CardSection] = []
    """The card in parts, each kind once."""
    study_role: Literal["analytical", "practice"] = "analytical"
    """Whether its conversations count (analytical) or are for practice."""
    limit_sec: Annotated[int, Field(ge=5, le=1_800)] = 120
    """How long a conversation may last."""
    text_prompt: Persona = ""
    """Given to the model after the condition's own."""
    voice_prompt: Annotated[str, Field(max_length=200)] = ""
    """The model's voice, where the condition names none."""
    analysis: Analysis | None = None
    """What annotators judge in its conversations."""

    @property
    def whole_card(self) -> str:
        """Its text and its sections, one after another, as Markdown."""
        return "\n\n".join([*([self.card] if self.card else []), *(section.text for section in self.sections)])


class Segment(Strict):
    """One stretch of a voice schedule: a preset by name, or a converter with parameters. Stretches follow one another
    without a gap, and the last one stays open."""

    preset: str | None = None
    """A voice by its name in the catalogue."""
    converter: str | None = None
    """A converter by its name in the catalogue."""
    target: Key | None = None
    """Key of a target voice, for converters that need one."""
    if_lost: Literal["natural", "sham"] | None = None
    """The voice in which a conversation continues if its converter server is lost; without it, the take ends."""
    parameters: dict[str, float | None] = Field(default_factory=dict)
    """The converter's parameters."""
    start_sec: Sec = 0
    """When it begins, after the start of the conversation."""
    end_sec: Annotated[float, Field(gt=0, le=1_800)] | None = None
    """When it ends, after the start of the conversation; with the conversation if left out."""


class Seed(Strict):
    """Where the model's randomness comes from."""

    policy: Literal["take", "session", "fixed"] = "take"
    """Anew for every take (derived, and stored); the same for all takes of a session, so that conditions share it;
    or the same for everybody."""
    value: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """The seed of policy `fixed`."""


class ConditionCell(Strict):
    """One design cell: who answers, and in which voice the participant is heard."""

    key: Key
    """Its name in the data."""
    label: Annotated[str, Field(min_length=1, max_length=120)]
    """Its name for researchers."""
    told: Line | None = None
    """What participants learn about it on the last page, such as “In this one you were heard in a higher voice.”; left
    out, only whether their voice was changed."""
    engine: str
    """Who answers: an engine by its name in the catalogue."""
    options: dict[str, Option] = Field(default_factory=dict)
    """The engine's own options."""
    text_prompt: Persona = ""
    """What conditions the model (persona); never shown to people."""
    voice_prompt: Annotated[str, Field(max_length=200)] = ""
    """The model's voice."""
    seed: Seed = Seed()
    """How the model's randomness begins."""
    delivery: Line | None = None
    """Asks the participant to speak in some way: with a laugh, with a sigh."""
    intended: Key | None = None
    """Names that way for the data."""
    voices: Annotated[list[Segment], Field(min_length=1)] = [Segment(preset="natural")]
    """The voice schedule: in which voice the participant is heard, and when."""


class Pair(Strict):
    """One prompt under two conditions or more, whose answers are compared side by side."""

    prompt: Key
    """What is talked about."""
    conditions: Annotated[list[Key], Field(min_length=2, max_length=MOST_COMPARED)]
    """Under which conditions."""


class Comparison(Strict):
    """How the answers of a pair stand side by side: blind, under letters or numbers."""

    labels: Literal["letters", "numbers"] = "letters"
    """What the answers are called."""
    random_order: bool = True
    """They stand in an order drawn for each participant."""
    must_listen: bool = True
    """Every answer must have been heard."""
    track: Literal["agent", "conversation"] = "agent"
    """What is played: the machine's words, or the whole conversation."""
    transcripts: Literal["after_hearing", "always", "never"] = "after_hearing"
    """When the words of an answer are shown: once it has been heard, from the beginning, or not at all."""


class EngineOffer(Strict):
    """A machine a visitor may choose: an engine as it is set up here. An engine may be offered in several ways."""

    key: Key | None = None
    """Its name in the data; the engine's where it is left out."""
    label: Label | None = None
    """Its name for visitors; the engine's own where it is left out."""
    about: Line | Literal[""] = ""
    """A line about it; the engine's own where it is left out."""
    engine: str
    """The engine's name in the catalogue."""
    options: dict[str, Option] = Field(default_factory=dict)
    """Its own options."""
    text_prompt: Persona = ""
    """What conditions the model; never shown to people."""
    voice_prompt: Annotated[str, Field(max_length=200)] = ""
    """The model's voice."""

    @property
    def name(self) -> str:
        """The key that it goes by, whether it was given one or not."""
        return self.key or self.engine


class VoiceOffer(Strict):
    """A voice a visitor may choose to be heard in."""

    key: Key
    """Its name in the data."""
    label: Label
    """Its name for visitors."""
    about: Line | Literal[""] = ""
    """A line about it."""
    voices: Annotated[list[Segment], Field(min_length=1)]
    """The voice schedule."""


FREE_VOICE = VoiceOffer(
    key="free",
    label="A voice of your own making",
    about="Set with sliders, and heard before you talk.",
    voices=[Segment(converter="transform")],
)
"""Stands for what a visitor makes of it: a trial keeps the parameters (see `Trial.voices`)."""


class Offer(Strict):
    """What a visitor may combine freely in a study of kind `explore`."""

    engines: Annotated[list[EngineOffer], Field(min_length=1)]
    """Who may answer."""
    voices: Annotated[list[VoiceOffer], Field(min_length=1)]
    """In which voices they may be heard."""
    free_voice: bool = False
    """Also in a voice of their own making, with sliders."""
