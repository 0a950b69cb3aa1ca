"""What every part of the schema is made of: strict models, keys, and texts that people read."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


class Shown:
    """Marks a text that participants read, and that every language of a study therefore has to say."""


SHOWN: Final = Shown()
KEY_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]*$"
ORIGIN_PATTERN: Final = r"^https://[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?$"
LANGUAGE_PATTERN: Final = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"

Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN, max_length=50)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), SHOWN]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), SHOWN]
Markdown = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000), SHOWN]
Persona = Annotated[str, StringConstraints(max_length=8_000)]
"""What conditions the model; never shown to people."""
Language = Annotated[str, StringConstraints(pattern=LANGUAGE_PATTERN)]
"""BCP 47 as far as it is used: `sv`, `de-AT`, `sr-Latn`."""


def _is_day(text: str) -> str:
    date.fromisoformat(text)
    return text


Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_is_day)]
"""A day as text, 2026-12-31. Raises ValueError for one that is not in the calendar."""
Option = str | int | float | bool | None
Place = tuple[int | str, ...]
Sec = Annotated[float, Field(ge=0, le=1_800)]


class Strict(BaseModel):
    """Frozen; refuses unknown keys and values of the wrong type. What stands below a field describes it to researchers,
    in the form, in the JSON Schema and in the reference."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
