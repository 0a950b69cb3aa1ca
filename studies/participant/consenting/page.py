"""The consent page, with one checkbox for each purpose, and the copy that participants can keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from studies.models import Session
from studies.participant.access import frame, go_on, session_page
from studies.participant.arriving import enrol
from studies.participant.consenting import documents
from studies.participant.language import activate_language
from studies.participant.refused import refuse, refused_form
from studies.protocol.schema import Protocol
from studies.protocol.visit import Consent
from studies.publish import session_protocol

AGREE_ALL: Final = "agree_all"
"""What the button of an explore study sends that agrees to everything and allows the microphone."""
LISTEN: Final = "listen"
"""The query parameter with which the page of an explore study opens the microphone by itself, because its button was
pressed before the scripts had come."""


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def consent(request: HttpRequest, session: Session) -> HttpResponse:
    """Shows the consent document with one checkbox for each purpose. Declining ends the session."""
    protocol = session_protocol(session)
    if request.method == "POST":
        form = ConsentForm(protocol.consent, _ticked(request, protocol))
        shown_in = request.POST.get("language", "")
        if request.POST.get("decision") == "decline":
            enrol.decline(session, shown_in)
            return redirect("resume", session.token)
        if form.is_valid():
            enrol.agree(session, form.granted, shown_in)
            if request.accepts("application/json") and not request.accepts("text/html"):
                return JsonResponse({"agreed": sorted(session.agreed)})
            if request.POST.get("decision") == AGREE_ALL and protocol.kind == "explore":
                return redirect(f"{reverse('explore', args=[session.token])}?{LISTEN}")
            return go_on(session)
        return refuse(request)
    refused = refused_form(request)
    form = ConsentForm(protocol.consent, refused.fields if refused is not None else None)
    context = frame(request, session, form=form, language=documents.spoken(session))
    return render(request, "participant/consenting/consent.html", context, status=422 if form.errors else 200)


def _ticked(request: HttpRequest, protocol: Protocol) -> Mapping[str, Any]:
    """Returns what was ticked. An explore study has a button that agrees to everything it lists."""
    if protocol.kind == "explore" and request.POST.get("decision") == AGREE_ALL:
        return {purpose.key: "on" for purpose in protocol.consent.purposes}
    return request.POST


@require_safe
@session_page(always=True)
def copy(request: HttpRequest, session: Session) -> HttpResponse:
    """Returns what was agreed to, when, and which consents still hold, as an HTML file in the language of the
    document."""
    agreed = documents.agreed(session)
    if agreed is None:
        raise Http404
    context = {
        "study": session.study,
        "session": session,
        "agreed": agreed,
        "protocol": session_protocol(session),
        "resume_link": request.build_absolute_uri(reverse("resume", args=[session.token])),
        "withdraw_link": request.build_absolute_uri(reverse("withdraw", args=[session.token])),
    }
    activate_language(request, agreed.document.language)
    name = f"consent-{session.study.slug}-{session.participant.code}.html"
    return HttpResponse(
        render_to_string("participant/consenting/copy.html", context, request),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


class ConsentForm(forms.Form):
    """One checkbox for each purpose. The required ones must be ticked."""

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
