"""What every question type declares about itself, the fields that questions share, what its rules may ask about the
study and the moment it stands in, and what it gives its template to draw."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from studies.questions.answer import Answer, AnswerColumn, Score, plain
from studies.questions.conditions import Answers, Value, When, is_answered, is_same
from studies.questions.fields import Key, Line, Strict
from studies.questions.recordings import Excerpt, Recording


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose. `value` is the answer, as JSON where the template says `data-json`."""

    value: str
    label: str
    id: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """Where a question is drawn: `id` belongs to its first control, `value` is the answer that is kept, and `sides` has
    what each side of a pair is called on the page."""

    id: str
    value: object = None
    sides: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return in_field(self.value)

    @property
    def values(self) -> Sequence[object]:
        return self.value if isinstance(self.value, list) else [self.value]

    def options(self, listed: Iterable[tuple[str, str]], prefix: str = "") -> list[Option]:
        """(value, label) of each answer, made into options of which those that are kept are chosen."""
        chosen = {in_field(part) for part in self.values if not isinstance(part, Mapping)}
        return [
            Option(value, label, f"{self.id}-{prefix}{value}" if index or prefix else self.id, value in chosen)
            for index, (value, label) in enumerate(listed)
        ]


def in_field(value: object) -> str:
    """A value as it stands in a field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


Scope = Literal["visit", "talk", "pair"]


@dataclass(frozen=True, slots=True)
class Study:
    """`scenarios` are the titles of the analytical prompts by their keys, `limits_sec` the longest talk about each
    prompt, and `pairs` the prompt and the conditions of each pair. `has_several_talks` says whether one participant
    talks about a prompt under several conditions."""

    kind: str
    scenarios: Mapping[str, str]
    limits_sec: Mapping[str, float]
    conditions: Collection[str]
    pairs: Sequence[tuple[str, Collection[str]]]
    has_several_talks: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Occasion:
    """When a question is asked. `prompts` are the lists that narrow down what it is asked about: that of its
    questionnaire and its own."""

    moment: str
    scope: Scope
    before_first_talk: bool
    prompts: Sequence[Collection[str]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a question in its study. `place` leads from the question to the field. For an `unknown` name
    the message ends with the one of `known` that is spelt most like it."""

    place: tuple[str | int, ...]
    message: str
    unknown: str | None = None
    known: Collection[str] = ()


class Question(Strict):
    """A question type. A subclass in `studies/questions/types/` declares its fields, of which `type` is a literal with
    the name of its module, and overrides what differs from the answers below. The name of the type is also that of its
    template (`components/questions/<type>.html`), of its script (`js/questions/types/<type>.js`) and of its style sheet
    (`css/questions/<type>.css`), of which the latter two are needed by few types."""

    order: ClassVar[int]
    """Its place among the types in the schema, the form and the reference."""
    asks: ClassVar[bool] = True
    """Whether there is something to answer."""
    is_verdict: ClassVar[bool] = False
    """Whether its answers are kept as judgements of a pair."""
    is_written: ClassVar[bool] = False
    """Whether the answer is written and not chosen."""
    has_several: ClassVar[bool] = False
    """Whether one answer may hold several values."""
    frame: ClassVar[Literal["field", "radiogroup", "group"]] = "group"
    """What stands around its template: a label of its one field, or the legend of a group."""

    if TYPE_CHECKING:  # each type has these fields, in an order of its own
        type: str
        key: str
        text: str
        show_if: When | None
        prompts: list[str] | None

    @property
    def help_text(self) -> str | None:
        return None

    @property
    def is_required(self) -> bool:
        """Whether there must be an answer before going on."""
        return False

    @property
    def expected(self) -> Value | None:
        """The right answer, which makes the question an attention check."""
        return None

    @property
    def recording(self) -> Recording | None:
        """What it plays."""
        return None

    @property
    def row_keys(self) -> list[str]:
        """The keys of its rows, each of which has an answer of its own."""
        return []

    # in a study

    def faults(self, study: Study, occasion: Occasion) -> Iterator[Fault]:
        """What is wrong with it in this study, beyond what the fields say by themselves."""
        yield from ()

    def key_lists(self) -> Mapping[str, list[str]]:
        """Field -> the keys in it, each of which may stand there once."""
        return {}

    def possible(self, study: Study) -> Answers | None:
        """Which answers a condition can ask for; None where it can only ask whether there is an answer."""
        return None

    def possible_in_row(self) -> Answers | None:
        """The same for one of its rows."""
        return None

    def written_out(self, scenarios: Mapping[str, str], draw: random.Random | None = None) -> Self:
        """The question as it is shown: with the study's scenarios (key -> title) where it offers them, and in an order
        that `draw` decides where it is random."""
        return self

    def joined_with(self, forms: Iterable[Question]) -> Self:
        """The question with all that may have been answered in its forms in other versions of the study, oldest first
        and written out."""
        return self

    # its answers

    def checked(
        self, value: object, *, complete: bool = True, sides: Collection[str] = (), excerpt: Excerpt | None = None
    ) -> Answer:
        """The value to keep. With `complete` the answer must be there and whole, as it must be to go on; without it the
        answer may be half given. `sides` are those of the pair. Raises ValidationError with words for participants."""
        given = self.read(value, sides) if is_answered(value) else None
        kept = given if is_answered(given) else None
        if complete:
            self.check_complete(kept, excerpt)
        return kept

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """The answer in a value that came as JSON. Raises ValidationError with words for participants."""
        raise NotImplementedError

    def check_complete(self, value: Answer, excerpt: Excerpt | None = None) -> None:
        """Raises ValidationError with words for participants where this is not enough to go on."""
        if value is None and self.is_required:
            raise ValidationError(_("Please fill in this field.") if self.is_written else _("Please choose an answer."))

    def added_to(self, before: Answer, given: Answer) -> Answer:
        """What to keep when `before` is kept already. Raises ValidationError with words for participants."""
        return given

    def fails(self, value: object) -> bool:
        """Whether this is the wrong answer to an attention check. No answer is not a wrong one."""
        return self.expected is not None and is_answered(value) and not is_same(value, self.expected)

    def score(self, value: object) -> Score:
        """What an answer counts for on the scale, reversed where the question says so; None for answers beside the
        scale and for types without a score."""
        return None

    def columns(self) -> Iterator[AnswerColumn]:
        """Its columns in the exports."""
        yield AnswerColumn("", "text", f"{self.asked}, in the participant's words", plain)

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        """A valid and complete answer, drawn at random, for bots."""
        return None

    # on the page

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        """What its template shows, beside the question itself."""
        return {}

    @property
    def asked(self) -> str:
        """The beginning of what a column means."""
        return f"Answer to “{self.text}”"


class Item(Question):
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

    @property
    def help_text(self) -> str | None:
        return self.note

    @property
    def is_required(self) -> bool:
        return self.required
