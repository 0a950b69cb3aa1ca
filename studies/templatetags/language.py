"""`{{ tag|own_name }}` in templates: what a language calls itself."""

from __future__ import annotations

from django import template

from studies.languages import own_name

register = template.Library()
register.filter("own_name", own_name)
