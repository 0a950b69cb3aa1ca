"""`{{ text|markdown }}` in templates."""

from __future__ import annotations

from django import template

from studies.participant.markdown import render

register = template.Library()
register.filter("markdown", render, is_safe=True)
