"""What a form said, so that a page which could not take it can send it once more."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

ABOUT_THE_PAGE: Final = frozenset({"csrfmiddlewaretoken", "epoch", "take_over"})


def sent_again(request: HttpRequest) -> list[tuple[str, str]]:
    """(name, value) of every field that a participant filled in, in their order. Django takes no more than 1,000."""
    if request.method != "POST" or request.FILES:
        return []
    fields = [(name, str(value)) for name, values in request.POST.lists() for value in values]
    return [(name, value) for name, value in fields if name not in ABOUT_THE_PAGE]
