"""Admins that show and never write, because nobody makes or repairs by hand what was recorded, said or logged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from studies.admin.filters import NamedFilters

Shown = TypeVar("Shown", bound=Callable[..., tuple[str, str]])


class ReadOnly:
    """An admin in which viewing needs the view permission, and nothing else is ever allowed."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, NamedFilters, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_filter_sheet = False
    compressed_fields = True


class ReadOnlyInline(ReadOnly, TabularInline):  # type: ignore[misc]
    extra = 0
    can_delete = False
    show_change_link = False
    hide_title = True


def as_document(text: str) -> SafeString:
    """Shows a long text with its line breaks."""
    return format_html('<pre class="document">{}</pre>', text)


def as_json(value: Any) -> SafeString:
    """Shows a stored JSON value in full."""
    if value in (None, "", {}, []):
        return format_html('<span class="nothing">{}</span>', "nothing recorded")
    return as_document(json.dumps(value, indent=2, ensure_ascii=False))


def digest(sha256: str) -> SafeString:
    """Shows a hash that wraps instead of widening the page."""
    return format_html('<code class="digest">{}</code>', sha256)


def badge(description: str, colours: Mapping[str, str], *, ordering: str | None = None) -> Callable[[Shown], Shown]:
    """Shows a column that returns (key, text) as a coloured label.

    `colours` maps a key to success, info, warning or danger."""

    def decorate(shown: Shown) -> Shown:
        admin.display(description=description, ordering=ordering)(shown)
        shown.label = colours  # type: ignore[attr-defined]  # where unfold looks for it
        return shown

    return decorate
