"""`{{ tag|own_name }}` in templates: what a language calls itself. `{% ethics_reference study protocol %}`: the study's
ethics reference, marked with its language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from studies.languages import direction, own_name
from studies.models.study import DEMONSTRATION, Study
from studies.protocol.schema import Protocol

register = template.Library()
register.filter("own_name", own_name)


@register.simple_tag(takes_context=True)
def ethics_reference(context: Mapping[str, Any], study: Study, protocol: Protocol | None) -> SafeString:
    """The reference as it is shown on a page in any language."""
    if study.ethics_reference == DEMONSTRATION:
        return format_html("{}", gettext(DEMONSTRATION))
    tag = protocol.languages[0] if protocol is not None else ""
    if not tag or tag == context.get("page_language"):
        return format_html("<bdi>{}</bdi>", study.ethics_reference)
    return format_html('<bdi lang="{}" dir="{}">{}</bdi>', tag, direction(tag), study.ethics_reference)
