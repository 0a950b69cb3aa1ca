"""Questions: what can be asked, when, and of whom."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from studies.protocol.base import Day, Key, Label, Line, Markdown, Sec, Strict

Moment = Literal[
    "eligibility",
    "consent",
    "background",
    "device_check",
    "before_trial",
    "after_trial",
    "after_pair",
    "before_playback",
    "playback",
    "end",
    "debrief",
]
"""In the order of a visit. `playback`: once a trial, after all of them."""
MOMENTS: tuple[Moment, ...] = get_args(Moment)
EACH_TRIAL: frozenset[Moment] = frozenset({"before_trial", "after_trial", "playback"})
"""Asked once a trial; `after_pair` once a pair; all others once."""

Value = str | int | float | bool


class Rule(Strict):
    """True when the answer to `item` is as said, by one test alone (but `at_least` and `at_most` may make a range). An
    item that was not answered, or not asked, makes it false, except for `answered: false` and `none_of`. Of an item
    with several answers (multiple choice), any one of them counts."""

    item: str
    """Key of an item that is asked earlier; `item.row` for a row of a semantic differential."""
    equals: Value | None = None
    """The answer is this one."""
    one_of: list[Value] | None = None
    """The answer is one of these."""
    none_of: list[Value] | None = None
    """The answer is none of these, or there is none."""
    at_least: float | None = None
    """The answer is a number, and no smaller."""
    at_most: float | None = None
    """The answer is a number, and no larger."""
    answered: bool | None = None
    """There is an answer (true), or there is none (false)."""


class When(Strict):
    """True when all rules under `all` are and, if there are any under `any`, at least one of those."""

    all: list[Rule] = []
    """Every one of these rules holds."""
    any: list[Rule] = []
    """At least one of these rules holds."""


class Item(Strict):
    """What all items share."""

    key: Key
    """Its name in the data; unique in the whole study."""
    text: Line
    """The question."""
    note: Line | None = None
    """A line below the question."""
    required: bool = True
    """Whether it must be answered before going on."""
    show_if: When | None = None
    """Asked only where this is true."""
    prompts: list[Key] | None = None
    """Asked about these scenarios only."""


class ChoiceOption(Strict):
    """One answer to choose."""

    key: Key
    """The answer in the data."""
    label: Line
    """The answer as it is shown."""


class Notice(Strict):
    """Words to read, with nothing to answer."""

    type: Literal["notice"]
    """What kind of item it is."""
    key: Key
    """Its name; unique in the whole study."""
    text: Markdown
    """The words, as Markdown."""
    show_if: When | None = None
    """Shown only where this is true."""
    prompts: list[Key] | None = None
    """Shown about these scenarios only."""


class Choices(Item):
    """What single and multiple choice share."""

    options: list[ChoiceOption] | Literal["scenarios"]
    """Written out, or the study's analytical prompts by their titles (`scenarios`)."""
    other: Line | None = None
    """Adds an answer in one's own words, with this label. Rules call it `other`."""
    random_order: bool = False
    """The options stand in an order of each participant's own."""


class SingleChoice(Choices):
    """One of several."""

    type: Literal["single_choice"]
    """What kind of item it is."""
    expect: Key | None = None
    """The right answer, which makes it an attention check."""


class MultipleChoice(Choices):
    """Any number of several."""

    type: Literal["multiple_choice"]
    """What kind of item it is."""
    min_choices: Annotated[int, Field(ge=0)] = 0
    """So many must be chosen."""
    max_choices: Annotated[int, Field(ge=1)] | None = None
    """No more may be chosen."""


class Likert(Item):
    """A scale from 1 to `points` with words at both ends."""

    type: Literal["likert"]
    """What kind of item it is."""
    low: Line
    """Words at 1."""
    high: Line
    """Words at the other end."""
    points: Annotated[int, Field(ge=2, le=11)] = 7
    """How many steps there are."""
    extra: list[ChoiceOption] = []
    """Answers beside the scale, such as “Prefer not to answer”."""
    reverse: bool = False
    """The score is `points` + 1 - the answer."""
    expect: int | None = None
    """The right answer, which makes it an attention check."""


class VisualAnalogue(Item):
    """A line from 0 to 100 with no mark on it until the participant sets one."""

    type: Literal["visual_analogue"]
    """What kind of item it is."""
    low: Line
    """Words at 0."""
    high: Line
    """Words at 100."""
    extra: list[ChoiceOption] = []
    """Answers beside the line, such as “Prefer not to answer”."""
    reverse: bool = False
    """The score is 100 - the answer."""


class Poles(Strict):
    """One row of a semantic differential."""

    key: Key
    """Its name in the data."""
    low: Label
    """Word at 1."""
    high: Label
    """Word at the other end."""
    reverse: bool = False
    """The score is `points` + 1 - the answer."""


class SemanticDifferential(Item):
    """Opposites with `points` steps between them (Osgood et al. 1957). The answer has a number for each row."""

    type: Literal["semantic_differential"]
    """What kind of item it is."""
    rows: Annotated[list[Poles], Field(min_length=1, max_length=20)]
    """The opposites."""
    points: Annotated[int, Field(ge=3, le=11)] = 7
    """How many steps there are between them."""
    random_order: bool = False
    """The rows stand in an order of each participant's own."""


class SelfAssessmentManikin(Item):
    """Pictures from low to high on one dimension of feeling (Bradley & Lang 1994)."""

    type: Literal["self_assessment_manikin"]
    """What kind of item it is."""
    dimension: Literal["valence", "arousal", "dominance"]
    """Which feeling the pictures are of."""
    points: Literal[5, 9] = 9
    """How many steps there are."""
    reverse: bool = False
    """The score is `points` + 1 - the answer."""


class Number(Item):
    """A number."""

    type: Literal["number"]
    """What kind of item it is."""
    min: float | None = None
    """No smaller number is taken."""
    max: float | None = None
    """No larger number is taken."""
    whole: bool = False
    """Only whole numbers are taken."""
    unit: Label | None = None
    """Shown behind the field."""


class ShortText(Item):
    """A line of text."""

    type: Literal["short_text"]
    """What kind of item it is."""
    max_length: Annotated[int, Field(ge=1, le=500)] = 200
    """Characters, at most."""


class LongText(Item):
    """Text of several lines."""

    type: Literal["long_text"]
    """What kind of item it is."""
    max_length: Annotated[int, Field(ge=1, le=20_000)] = 2_000
    """Characters, at most."""


class Switch(Item):
    """Yes or no, with nothing chosen at first."""

    type: Literal["switch"]
    """What kind of item it is."""
    yes: Label | None = None
    """What to call yes."""
    no: Label | None = None
    """What to call no."""
    expect: bool | None = None
    """The right answer, which makes it an attention check."""


class Date(Item):
    """A day."""

    type: Literal["date"]
    """What kind of item it is."""
    min: Day | None = None
    """No earlier day is taken."""
    max: Day | None = None
    """No later day is taken."""


class Playback(Item):
    """A recording of this visit to listen to: of the talk or pair that is asked about, or of the `prompt` and
    `condition` named. The answer says how often and how long it was heard."""

    type: Literal["playback"]
    """What kind of item it is."""
    track: Literal["agent", "heard", "participant"] = "agent"
    """The machine's words (agent), the participant as the machine heard them (heard), or the microphone
    (participant)."""
    prompt: Key | None = None
    """Which talk; needed at moments without a talk or a pair."""
    condition: Key | None = None
    """Which talk, where the prompt is talked about under several conditions."""
    start_sec: Sec = 0
    """Where the excerpt begins, in the talk."""
    max_duration_sec: Annotated[float, Field(gt=0, le=1_800)] | None = None
    """How long the excerpt is; to the end when left out."""
    max_plays: Annotated[int, Field(ge=1, le=100)] | None = None
    """How often it may be started."""
    must_listen: bool = True
    """It must be heard to its end before going on."""


class Preference(Item):
    """Which of the answers that are compared, or no difference; only at `after_pair`."""

    type: Literal["preference"]
    """What kind of item it is."""
    no_difference: bool = True
    """Offers “no difference” as well."""


AnyItem = Annotated[
    Notice
    | SingleChoice
    | MultipleChoice
    | Likert
    | VisualAnalogue
    | SemanticDifferential
    | SelfAssessmentManikin
    | Number
    | ShortText
    | LongText
    | Switch
    | Date
    | Playback
    | Preference,
    Field(discriminator="type"),
]


class Insertion(Strict):
    """Items of some scenarios alone, within a block that all share."""

    insert_after: Key
    """Key of an item of this questionnaire."""
    prompts: Annotated[list[Key], Field(min_length=1)]
    """Asked about these scenarios only."""
    items: Annotated[list[AnyItem], Field(min_length=1)]
    """What is asked there."""


class Questionnaire(Strict):
    """A page of items at one moment."""

    key: Key
    """Its name in the data."""
    at: Moment
    """When it is asked."""
    title: Line | None = None
    """Heading of the page."""
    intro: Markdown | None = None
    """Text above the items, as Markdown."""
    prompts: list[Key] | None = None
    """Asked at talks or pairs of these scenarios only."""
    study_role: Literal["practice", "analytical"] | None = None
    """Asked at practice or at analytical talks only."""
    random_order: bool = False
    """Items stand in an order of each participant's own; notices stay where they are, and what is inserted or shown
    by an answer stays behind what it follows."""
    show_if: When | None = None
    """Asked only where this is true."""
    items: Annotated[list[AnyItem], Field(min_length=1)]
    """What is asked, in this order."""
    insertions: list[Insertion] = []
    """Items of some scenarios alone, in between."""

    def all_items(self) -> list[AnyItem]:
        """Its items and, behind each, what is inserted after it."""
        listed: list[AnyItem] = []
        for item in self.items:
            listed.append(item)
            for insertion in self.insertions:
                if insertion.insert_after == item.key:
                    listed.extend(insertion.items)
        return listed
