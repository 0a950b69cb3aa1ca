"""What a form said, so that a page which could not take it can send it once more."""

from __future__ import annotations

from django.http import HttpRequest


def sent_again(request: HttpRequest) -> list[tuple[str, str]]:
    """(name, value) of every field but the form's secret, in their order. Django takes no more than 1,000."""
    if request.method != "POST" or request.FILES:
        return []
    fields = [(name, str(value)) for name, values in request.POST.lists() for value in values]
    return [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
