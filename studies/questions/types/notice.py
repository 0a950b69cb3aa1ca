"""Words to read."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Literal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from studies.questions.answer import Answer
from studies.questions.conditions import When
from studies.questions.fields import Key, Markdown
from studies.questions.question import Question


class Notice(Question):
    """Words to read, with nothing to answer."""

    order: ClassVar = 10
    asks: ClassVar = False

    type: Literal["notice"]
    """What kind of item it is."""
    key: Key
    """Its name; unique in the whole study."""
    text: Markdown
    """The words, as Markdown."""
    show_if: When | None = None
    """Shown only where this is true."""
    prompts: list[Key] | None = None
    """Shown about these scenarios only."""

    def read(self, value: object, sides: Collection[str]) -> Answer:
        raise ValidationError(_("There is nothing to answer here."))
