"""Every text of a study in each of its languages.

Texts are named by their path, with keys in place of numbers: `prompts.weekend.card`,
`questionnaires.rating.items.helpful.low`. What conditions a model (`text_prompt`) may be translated too, and need not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from studies.errors import Problem
from studies.protocol.reading.problems import suggestion
from studies.protocol.schema import Protocol
from studies.questions.fields import SHOWN, Shown

MAY_TRANSLATE = frozenset({"text_prompt"})
MAX_CHARACTERS = 20_000
"""Of a text without a limit of its own."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text in the document's own language. `required`: every language must have it; `longest`: in characters."""

    path: str
    text: str
    required: bool
    longest: int


def translatable(protocol: Protocol) -> list[Text]:
    """Everything that a language may say in its own words, in the document's order."""
    return list(_texts(protocol))


def texts_of(protocol: Protocol) -> dict[str, str]:
    """Path -> text of everything that participants read, in the document's own language."""
    return {text.path: text.text for text in _texts(protocol) if text.required}


def check_translations(protocol: Protocol) -> list[Problem]:
    """Texts that a language lacks, that are too long or belong nowhere; languages that are not listed, or twice."""
    problems: list[Problem] = []
    known = {text.path: text.longest for text in _texts(protocol)}
    for index, language in enumerate(protocol.languages):
        if language in protocol.languages[:index]:
            problems.append(Problem(f"languages[{index}]", f"{language} already exists"))
    for language in protocol.languages[1:]:
        given = protocol.translations.get(language, {})
        problems += [
            Problem(f"translations.{language}.{path}", f"is missing: what “{_short(text)}” is in {language}")
            for path, text in texts_of(protocol).items()
            if not given.get(path, "").strip()
        ]
    for language, given in protocol.translations.items():
        if language not in protocol.languages[1:]:
            where = "is the document's own" if language in protocol.languages else "is not among languages"
            problems.append(Problem(f"translations.{language}", f"{language} {where}"))
        problems += [
            Problem(f"translations.{language}.{path}", f"is not a text of this study; {suggestion(path, known)}")
            for path in given
            if path not in known
        ]
        problems += [
            Problem(
                f"translations.{language}.{path}", f"is {len(text):,} characters long; expected at most {known[path]:,}"
            )
            for path, text in given.items()
            if len(text) > known.get(path, len(text))
        ]
    return problems


def localised(protocol: Protocol, language: str) -> Protocol:
    """The study with all texts in `language`; as it is for its own language, and for one it does not have."""
    given = protocol.translations.get(language, {})
    return _translated(protocol, "", given) if given else protocol


def best_language(protocol: Protocol, wanted: Iterable[str]) -> str:
    """The first of `wanted` (BCP 47, best first) that the study speaks, if only in another region; else its own."""
    for tag in wanted:
        exact = [language for language in protocol.languages if language.lower() == tag.lower()]
        close = [language for language in protocol.languages if language.split("-")[0] == tag.lower().split("-")[0]]
        if exact or close:
            return (exact or close)[0]
    return protocol.languages[0]


def _texts(model: BaseModel, path: str = "") -> Iterator[Text]:
    """Those below `model`, in the document's order."""
    for name, field in type(model).model_fields.items():
        if name == "translations":
            continue
        place = f"{path}.{name}" if path else name
        value = getattr(model, name)
        shown = any(isinstance(mark, Shown) for mark in field.metadata) or _is_shown(field.annotation)
        if isinstance(value, str) and value and (shown or name in MAY_TRANSLATE):
            longest = min([*_limits(field.metadata), *_limits_in(field.annotation)], default=MAX_CHARACTERS)
            yield Text(place, value, shown, longest)
        elif isinstance(value, BaseModel):
            yield from _texts(value, place)
        elif isinstance(value, list):
            for index, part in enumerate(value):
                if isinstance(part, BaseModel):
                    yield from _texts(part, f"{place}.{_name(part, index)}")


def _translated(model: Any, path: str, given: Mapping[str, str]) -> Any:
    """A copy of `model` with the texts that `given` has."""
    changes: dict[str, Any] = {}
    for name in type(model).model_fields:
        if name == "translations":
            continue
        place = f"{path}.{name}" if path else name
        value = getattr(model, name)
        if isinstance(value, str):
            if given.get(place):
                changes[name] = given[place]
        elif isinstance(value, BaseModel):
            changes[name] = _translated(value, place, given)
        elif isinstance(value, list) and any(isinstance(part, BaseModel) for part in value):
            changes[name] = [
                _translated(part, f"{place}.{_name(part, index)}", given) if isinstance(part, BaseModel) else part
                for index, part in enumerate(value)
            ]
    return model.model_copy(update=changes)


def _name(part: BaseModel, index: int) -> str:
    """Its key where it has one; for a section of a card its kind; else its number."""
    name = getattr(part, "key", None) or getattr(part, "kind", None)
    return str(name) if name else str(index)


def _is_shown(annotation: Any) -> bool:
    """Whether a text type stands in a union, such as `Line | None`."""
    metadata = getattr(annotation, "__metadata__", ())
    members = getattr(annotation, "__args__", ())
    return any(mark is SHOWN for mark in metadata) or any(_is_shown(member) for member in members)


def _limits_in(annotation: Any) -> Iterator[int]:
    """Those of the text types in a union."""
    yield from _limits(getattr(annotation, "__metadata__", ()))
    for member in getattr(annotation, "__args__", ()):
        yield from _limits_in(member)


def _limits(metadata: Iterable[Any]) -> Iterator[int]:
    for mark in metadata:
        longest = getattr(mark, "max_length", None)
        if longest is not None:
            yield longest


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:39]}…"
