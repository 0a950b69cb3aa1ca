"""Forms that are no questionnaires: consent, and what visitors of an explore study choose from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inference.contract.parameters import Parameter
from studies.participant.talking.explore import Card, Options
from studies.protocol.free_voice import MAIN, MORE, free_parameters
from studies.protocol.visit import Consent

MISSING = {"required": _("Please choose an answer.")}


class ConsentForm(forms.Form):
    """One box a purpose; required ones must be ticked to agree."""

    def __init__(self, consent: Consent, data: Any = None) -> None:
        super().__init__(data)
        for purpose in consent.purposes:
            self.fields[purpose.key] = forms.BooleanField(
                label=purpose.label,
                required=purpose.required,
                error_messages={"required": _("You can take part only if you agree to this.")},
            )

    @property
    def granted(self) -> list[str]:
        return [key for key, agreed in self.cleaned_data.items() if agreed]


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
                label=gettext(parameter.label),
                help_text=gettext({**MAIN, **MORE}[name]),
                min_value=parameter.low,
                max_value=parameter.high,
                error_messages={"required": _("Please set it.")},
            )

    @property
    def parameters(self) -> dict[str, float]:
        return {name: self.cleaned_data[name] for name in free_parameters()}

    def main_sliders(self) -> list[tuple[BoundField, Parameter]]:
        """Each with its range and unit."""
        return [(self[name], free_parameters()[name]) for name in MAIN]

    def more_sliders(self) -> list[tuple[BoundField, Parameter]]:
        return [(self[name], free_parameters()[name]) for name in MORE]
