"""Forms that were refused. The page is shown again by a redirect, so that going back in the browser never ends in its
question whether to send a form once more. What was filled in is kept meanwhile in the browser's Django session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

KEPT: Final = "refused_form"
"""Key in the Django session."""
MOST_CHARACTERS: Final = 100_000
"""A form with more than this is not kept; none of ours is nearly as long."""


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """What was sent to `address` and refused. `messages` say why, where the form does not say so by itself."""

    address: str
    fields: QueryDict
    messages: Sequence[str]


def refuse(request: HttpRequest, messages: Sequence[str] = (), *, page: str = "") -> HttpResponse:
    """Redirects to the page from which a form was sent, or to another `page` that says what became of it."""
    fields = request.POST.copy()
    fields.pop("csrfmiddlewaretoken", None)
    text = fields.urlencode()
    request.session[KEPT] = {
        "page": page or request.get_full_path(),
        "address": request.get_full_path(),
        "fields": text if len(text) <= MOST_CHARACTERS else "",
        "messages": [str(message) for message in messages],
    }
    return redirect(page or request.get_full_path())


def refused_form(request: HttpRequest) -> RefusedForm | None:
    """Returns the form that was sent last if it was refused and leads to this page. It stays until something else is
    sent."""
    kept = request.session.get(KEPT)
    if kept is None or kept["page"] != request.get_full_path():
        return None
    return RefusedForm(kept["address"], QueryDict(kept["fields"]), kept["messages"])


def forget(request: HttpRequest) -> None:
    """Must be called when a form is sent."""
    request.session.pop(KEPT, None)
