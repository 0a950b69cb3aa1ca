"""Forms made from a protocol. Each field carries its item, so that a template can draw it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django import forms
from django.forms.boundfield import BoundField

from inference.parameters import Parameter
from studies.models import Trial
from studies.participant.explore import Card, Options
from studies.protocol.free_voice import MAIN, MORE, free_parameters
from studies.protocol.schema import Choice, Consent, Likert, Preference, Rating, Text

NO_DIFFERENCE = "none"
MISSING = {"required": "Please choose an answer."}


class ConsentForm(forms.Form):
    """One box a purpose; required ones must be ticked to agree."""

    def __init__(self, consent: Consent, data: Any = None) -> None:
        super().__init__(data)
        for purpose in consent.purposes:
            self.fields[purpose.key] = forms.BooleanField(
                label=purpose.label,
                required=purpose.required,
                error_messages={"required": "You can take part only if you agree to this."},
            )

    @property
    def granted(self) -> list[str]:
        return [key for key, agreed in self.cleaned_data.items() if agreed]


class RatingForm(forms.Form):
    """The questions after a talk."""

    def __init__(self, items: Sequence[Rating], data: Any = None, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.items = items
        for item in items:
            self.fields[item.key] = _rating_field(item)

    def questions(self) -> Iterator[tuple[Rating, BoundField]]:
        for item in self.items:
            yield item, self[item.key]


class ComparisonForm(forms.Form):
    """Verdicts on a pair, and how long each answer was heard. `audible` are the trials whose answer can be played;
    they must all have been heard."""

    def __init__(self, items: Sequence[Preference], audible: Sequence[Trial], data: Any = None) -> None:
        super().__init__(data)
        self.items = items
        self.audible = audible
        for item in items:
            choices = [("A", "Answer A"), ("B", "Answer B")]
            if item.no_difference:
                choices.insert(1, (NO_DIFFERENCE, "No difference"))
            self.fields[item.key] = forms.ChoiceField(
                label=item.text, choices=choices, widget=forms.RadioSelect, error_messages=MISSING
            )
        for side in "AB":
            self.fields[listened(side)] = forms.FloatField(
                min_value=0, max_value=86_400, required=False, widget=forms.HiddenInput
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        missing = [trial.side for trial in self.audible if not data.get(listened(trial.side))]
        if missing:
            self.add_error(None, f"Listen to answer {' and answer '.join(sorted(missing))} before you judge.")
        return data

    @property
    def choices(self) -> dict[str, str]:
        return {item.key: self.cleaned_data[item.key] for item in self.items}

    @property
    def listened_sec(self) -> dict[int, float]:
        return {trial.pk: self.cleaned_data[listened(trial.side)] for trial in self.audible}

    def questions(self) -> Iterator[tuple[Preference, BoundField]]:
        for item in self.items:
            yield item, self[item.key]


class ExploreForm(forms.Form):
    """What a visitor chooses: a prompt, a voice and an engine."""

    CHOSEN: ClassVar[Sequence[str]] = ("prompt", "voice", "engine")

    def __init__(self, offered: Options, data: Any = None, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        groups = {"prompt": offered.prompts, "voice": offered.voices, "engine": offered.engines}
        self.cards = {name: groups[name] for name in self.CHOSEN}
        for name, cards in self.cards.items():
            self.fields[name] = forms.ChoiceField(
                choices=[(card.key, card.label) for card in cards], widget=forms.RadioSelect, error_messages=MISSING
            )

    def groups(self) -> Iterator[tuple[BoundField, list[Card]]]:
        for name, cards in self.cards.items():
            yield self[name], cards


class FreeVoiceForm(ExploreForm):
    """A voice of the visitor's own making, what to talk about in it, and with whom."""

    CHOSEN: ClassVar[Sequence[str]] = ("prompt", "engine")

    def __init__(self, offered: Options, data: Any = None, initial: dict[str, Any] | None = None) -> None:
        super().__init__(offered, data, initial)
        for name, parameter in free_parameters().items():
            self.fields[name] = forms.FloatField(
                label=parameter.label,
                help_text=({**MAIN, **MORE})[name],
                min_value=parameter.low,
                max_value=parameter.high,
                error_messages={"required": "Please set it."},
            )

    @property
    def parameters(self) -> dict[str, float]:
        return {name: self.cleaned_data[name] for name in free_parameters()}

    def main_sliders(self) -> list[tuple[BoundField, Parameter]]:
        """Each with its range and unit."""
        return [(self[name], free_parameters()[name]) for name in MAIN]

    def more_sliders(self) -> list[tuple[BoundField, Parameter]]:
        return [(self[name], free_parameters()[name]) for name in MORE]


def listened(side: str) -> str:
    """Name of the hidden field that counts the seconds heard of a side."""
    return f"listened-{side}"


def _rating_field(item: Rating) -> forms.Field:
    match item:
        case Likert():
            points = [(point, str(point)) for point in range(1, item.points + 1)]
            return forms.TypedChoiceField(
                label=item.text,
                choices=points,
                coerce=int,
                empty_value=None,
                required=item.required,
                widget=forms.RadioSelect,
                error_messages=MISSING,
            )
        case Choice():
            return forms.ChoiceField(
                label=item.text,
                choices=[(option.key, option.label) for option in item.options],
                required=item.required,
                widget=forms.RadioSelect,
                error_messages=MISSING,
            )
        case Text():
            return forms.CharField(
                label=item.text,
                max_length=item.max_length,
                required=item.required,
                widget=forms.Textarea(attrs={"rows": 3}),
                error_messages={"required": "Please write something."},
            )
