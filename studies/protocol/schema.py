"""What a study is, as data: the one schema behind YAML files, published versions and the form editor.

The shape is checked here and in the modules this is made of, field by field; what ties fields together is checked in
`rules.py`; reading, writing and hashing are in `document.py`. Unknown keys are errors everywhere.

What a default means never changes within a version of the schema: documents leave defaults out (see `to_document`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from studies.protocol.cells import (
    FREE_VOICE,
    Comparison,
    ConditionCell,
    EngineOffer,
    Offer,
    Pair,
    PromptCard,
    Segment,
    VoiceOffer,
)
from studies.protocol.counterbalancing import Allocation, Cell, Design, Quota, Stopping
from studies.protocol.questionnaires import Moment, Questionnaire
from studies.protocol.visit import (
    AttentionChecks,
    Audio,
    Consent,
    DeviceCheck,
    GiveBack,
    HearYourself,
    Recruiter,
    Retention,
    ScreenOut,
)
from studies.questions.fields import Language, Line, Markdown, Place, Strict
from studies.questions.registry import AnyItem

SCHEMA_VERSION: Final = 2


class Protocol(Strict):
    """A whole study."""

    version: Literal[2]
    """Of the schema."""
    kind: Literal["planned", "explore"]
    """`planned`: trials by a design; `explore`: visitors choose engine and voice."""
    title: Annotated[Line, Field(max_length=200)]
    """Name of the study."""
    summary: Line
    """One line about it, on the start page."""
    languages: Annotated[list[Language], Field(min_length=1)] = ["en"]
    """The first is that of the document; `translations` has the others."""
    duration_min: Annotated[int, Field(ge=1, le=600)] | None = None
    """How long a session takes, as participants are told."""
    welcome: Markdown
    """The first page, as Markdown."""
    consent: Consent
    """What people agree to."""
    screen_out: list[ScreenOut] = []
    """Who cannot take part, decided before anything is recorded."""
    attention: AttentionChecks = AttentionChecks()
    """What wrong answers to attention checks do."""
    questionnaires: list[Questionnaire] = []
    """What is asked, and when."""
    audio: Audio = Audio()
    """How sound is captured."""
    device_check: DeviceCheck = DeviceCheck()
    """What the device check judges."""
    match_delay: bool = True
    """The engine hears the participant equally late in all conditions, as late as in the slowest voice."""
    hear_yourself: HearYourself = "off"
    """Whether participants may hear themselves as the engine does: before the conversation (preview), or during it too
    (live)."""
    practice_intro: Markdown | None = None
    """A page before the practice, as Markdown."""
    main_intro: Markdown | None = None
    """A page before the conversations that count, as Markdown."""
    prompts: Annotated[list[PromptCard], Field(min_length=1)]
    """What is talked about."""
    conditions: list[ConditionCell] = []
    """Who answers, and in which voice the participant is heard."""
    practice: list[Cell] = []
    """Talked first, in this order, by everybody."""
    pairs: list[Pair] = []
    """What is compared side by side."""
    comparison: Comparison = Comparison()
    """How it is compared."""
    design: Design = Design()
    """The trials of a participant, and how their order changes from one to the next."""
    allocation: Allocation = Allocation()
    """How people are spread over the orders."""
    quotas: list[Quota] = []
    """How many people of a kind are wanted."""
    stopping: Stopping = Stopping()
    """When enough have taken part."""
    offer: Offer | None = None
    """What visitors may choose (explore)."""
    recruiter: Recruiter = Recruiter()
    """Where people come from."""
    retention: Retention = Retention()
    """How long recordings are kept."""
    debrief: Markdown
    """The last page, as Markdown."""
    give_back: GiveBack = GiveBack()
    """What participants learn about their own talks on the last page (planned)."""
    translations: dict[Language, dict[str, str]] = Field(default_factory=dict)
    """For each other language, the text at each path, with keys in place of numbers: `prompts.weekend.card`."""

    def cells(self) -> list[ConditionCell]:
        """Every condition a trial may run under: those listed, or every offered engine with every offered voice."""
        if self.offer is None:
            return list(self.conditions)
        one = len(self.offer.engines) == 1
        voices = [*self.offer.voices, *([FREE_VOICE] if self.offer.free_voice else [])]
        return [_cell(engine, voice, one) for engine in self.offer.engines for voice in voices]

    @property
    def analytical_prompts(self) -> list[str]:
        """The keys of the prompts whose conversations count."""
        return [prompt.key for prompt in self.prompts if prompt.study_role == "analytical"]

    @property
    def spread_conditions(self) -> list[str]:
        """The keys of the conditions that the design combines with prompts: all except those that only stand in for
        others in some group."""
        groups = self.allocation.groups
        stand_ins = {key for group in groups for key in group.replace.values()}
        replaced = {key for group in groups for key in group.replace}
        return [condition.key for condition in self.conditions if condition.key not in stand_ins - replaced]

    @property
    def talk_count(self) -> int:
        """The most conversations that count which one participant can have by the design."""
        prompts, conditions = len(self.analytical_prompts), len(self.spread_conditions)
        once = {
            "pairs": sum(len(pair.conditions) for pair in self.pairs),
            "crossed": prompts * conditions,
            "assigned": prompts,
            "variants": max((len(variant.trials) for variant in self.design.variants), default=0),
        }
        return once[self.design.cells] * self.design.repetitions

    def schedules(self) -> Iterator[tuple[Place, list[Segment]]]:
        """(place in the document, segments) of every voice schedule that is written there."""
        for index, condition in enumerate(self.conditions):
            yield ("conditions", index, "voices"), condition.voices
        for index, voice in enumerate(self.offer.voices if self.offer else ()):
            yield ("offer", "voices", index, "voices"), voice.voices

    def prompt(self, key: str) -> PromptCard:
        """Raises KeyError."""
        return next((prompt for prompt in self.prompts if prompt.key == key), None) or _missing(key)

    def condition(self, key: str) -> ConditionCell:
        """Raises KeyError."""
        return next((cell for cell in self.cells() if cell.key == key), None) or _missing(key)

    def questionnaires_at(self, moment: Moment) -> list[Questionnaire]:
        return [questionnaire for questionnaire in self.questionnaires if questionnaire.at == moment]

    def items(self) -> dict[str, AnyItem]:
        """Every item by its key, in the order of the document."""
        return {item.key: item for questionnaire in self.questionnaires for item in questionnaire.all_items()}


def offer_key(engine: str, voice: str) -> str:
    """The key of the condition that an explore study makes of the names of an offered engine and voice."""
    return f"{engine}--{voice}"


def offer_parts(condition: str) -> tuple[str, str]:
    """The engine and the voice of which `offer_key` made this key of a condition."""
    engine, _, voice = condition.rpartition(offer_key("", ""))
    return engine, voice


def _cell(engine: EngineOffer, voice: VoiceOffer, only_engine: bool) -> ConditionCell:
    shared: dict[str, Any] = engine.model_dump(include={"engine", "options", "text_prompt", "voice_prompt"})
    label = voice.label if only_engine else f"{voice.label}, {engine.label or engine.name}"
    return ConditionCell(key=offer_key(engine.name, voice.key), label=label, voices=voice.voices, **shared)


def _missing(key: str) -> Any:
    raise KeyError(key)
