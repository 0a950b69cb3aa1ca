"""Every question type there is: whatever module of `studies.questions.types` defines one."""

from __future__ import annotations

from functools import reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Final, get_args

from pydantic import Field

from studies.questions import types
from studies.questions.question import Question


def _found() -> dict[str, type[Question]]:
    """Name -> type, in the order of the schema. Raises ValueError for a module that does not define its type."""
    found: dict[str, type[Question]] = {}
    for module in iter_modules(types.__path__):
        defined = vars(import_module(f"{types.__name__}.{module.name}")).values()
        named = [each for each in defined if isinstance(each, type) and _name(each) == module.name]
        if len(named) != 1:
            raise ValueError(
                f'studies/questions/types/{module.name}.py needs one class with type: Literal["{module.name}"]'
            )
        found[module.name] = named[0]
    return dict(sorted(found.items(), key=lambda named: named[1].order))


def _name(candidate: type) -> str | None:
    """What a question type calls itself in a document."""
    field = candidate.model_fields.get("type") if issubclass(candidate, Question) else None
    return next(iter(get_args(field.annotation)), None) if field is not None else None


TYPES: Final = _found()
"""Name -> type."""

if TYPE_CHECKING:
    AnyItem = Question
else:
    AnyItem = Annotated[reduce(or_, TYPES.values()), Field(discriminator="type")]
"""A question of any type."""
