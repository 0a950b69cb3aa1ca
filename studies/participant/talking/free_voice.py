"""The page on which a visitor sets a voice with sliders, hears it at once, and takes it to the talk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.forms.boundfield import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from inference.contract.parameters import Parameter
from studies.models import Session
from studies.participant.access import frame, go_on, session_page
from studies.participant.checking.page import capture_settings, preview_url
from studies.participant.refused import refuse, refused_form
from studies.participant.talking.explore import ExploreForm, Options, choose, free_schedule, last_parameters, options
from studies.protocol.cells import FREE_VOICE
from studies.protocol.free_voice import MAIN, MORE, free_parameters, free_presets, neutral_parameters
from studies.publish import session_protocol


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def free_voice(request: HttpRequest, session: Session) -> HttpResponse:
    """Shows the sliders, and goes back to the talk with their values.

    What the visitor hears while setting them comes from the preview socket and is not recorded."""
    offered = options(session, session_protocol(session))
    if not offered.free_voice:
        return go_on(session)
    neutral = neutral_parameters()
    asked = {name: request.GET[name] for name in ("prompt", "engine") if name in request.GET}
    first = {"prompt": offered.prompts, "engine": offered.engines}
    able = {name: [card for card in cards if not card.unavailable] for name, cards in first.items()}
    ticked = {name: cards[0].key for name, cards in able.items() if cards}
    initial = ticked | neutral | last_parameters(session) | asked
    if request.method == "POST":
        sent = FreeVoiceForm(offered, request.POST)
        if not sent.is_valid():
            return refuse(request)
        chosen = {name: sent.cleaned_data[name] for name in ("prompt", "engine")}
        choose(session, {"voice": FREE_VOICE.key, **chosen}, free_schedule(sent.parameters))
        return redirect(f"{reverse('explore', args=[session.token])}?{urlencode({'voice': FREE_VOICE.key, **chosen})}")
    refused = refused_form(request)
    form = FreeVoiceForm(offered, refused.fields if refused is not None else None, initial=initial)
    config = {
        "capture": capture_settings(session),
        "previewUrl": preview_url(session),
        "sampleUrl": static("studies/audio/sample-sentence.flac"),
    }
    presets = [(gettext(label), neutral | parameters) for label, parameters in free_presets().values()]
    context = frame(request, session, form=form, voice_config=config, presets=presets)
    return render(request, "participant/talking/free_voice.html", context, status=422 if form.errors else 200)


class FreeVoiceForm(ExploreForm):
    """The parameters of the free voice, a prompt and an engine."""

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
        """Returns the main sliders, each with its parameter, which has the range and the unit."""
        return [(self[name], free_parameters()[name]) for name in MAIN]

    def more_sliders(self) -> list[tuple[BoundField, Parameter]]:
        return [(self[name], free_parameters()[name]) for name in MORE]
