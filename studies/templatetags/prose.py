"""`{{ text|markdown }}` in templates: Markdown of a study's author, as HTML that is safe to show."""

from __future__ import annotations

from typing import Final

import nh3
from django import template
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS: Final = frozenset(
    {"a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "hr", "li", "ol", "p", "strong", "table", "tbody", "td"}
    | {"th", "thead", "tr", "ul"}
)
_PARSER: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


def render(text: str) -> SafeString:
    """HTML without scripts, styles, images or frames; links go to http, https and mailto only."""
    html = nh3.clean(
        _PARSER.render(text),
        tags=set(TAGS),
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return mark_safe(html)  # noqa: S308  cleaned on the line above


register = template.Library()
register.filter("markdown", render, is_safe=True)
