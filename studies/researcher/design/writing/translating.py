"""The page on which a study is translated. It shows each text beside its translation, and changes the same draft as the
editor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from django.conf.global_settings import LANGUAGES
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from pydantic import ValidationError

from studies.errors import DraftRefused
from studies.languages import direction, own_name
from studies.models import Study
from studies.protocol.languages import Text, translatable
from studies.protocol.schema import Protocol
from studies.questions.fields import LANGUAGE_PATTERN
from studies.researcher.access import allow_alpine, researcher_with
from studies.researcher.design.asked import frame
from studies.researcher.design.writing import drafts, edits
from studies.researcher.design.writing.checking import data_in, report_on

ATTEMPTS: Final = 5
ALONE: Final = "texts"
SUGGESTED: Final = [(tag, name) for tag, name in LANGUAGES if "-" not in tag]
"""Languages that are suggested by name. Any other BCP 47 tag that the protocol accepts can be given too."""


@dataclass(frozen=True, slots=True)
class Line:
    """A text and its translation `said`. `name` is its path within its part, as people read it."""

    text: Text
    name: str
    said: str


@dataclass(frozen=True, slots=True)
class Part:
    """The texts under one key of the protocol."""

    title: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Language:
    """The progress of one language. `done` and `total` count the texts that must be translated."""

    tag: str
    name: str
    direction: str
    done: int
    total: int


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allow_alpine
@researcher_with("studies.change_study")
def translate(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Shows the texts in `?language=sv`. POST {do: add or remove, language} adds or removes a language."""
    study = get_object_or_404(Study, slug=slug)
    if request.method == "POST":
        assert isinstance(request.user, User)  # ensured by researcher_with
        page = reverse("design_translate", args=[study.slug])
        try:
            tag = _change(study, request.POST.get("do", ""), request.POST.get("language", ""), request.user)
        except DraftRefused as error:
            messages.error(request, str(error))
            return redirect(page)
        return redirect(f"{page}?language={tag}" if tag else page)
    draft = drafts.draft_of(study)
    report = report_on(draft.text, study).as_json()
    protocol = _readable(draft.text)
    languages = _languages(protocol) if protocol is not None else []
    language = _chosen(languages, request.GET.get("language", ""))
    given = protocol.translations.get(language.tag, {}) if protocol is not None and language is not None else {}
    texts = translatable(protocol) if protocol is not None else []
    known = {text.path for text in texts}
    context = {
        "start": {**drafts.as_json(draft), "report": report},
        "readable": protocol is not None,
        "problems": report["problems"],
        "own": own_name(protocol.languages[0]) if protocol is not None else "",
        "own_tag": protocol.languages[0] if protocol is not None else "",
        "own_direction": direction(protocol.languages[0]) if protocol is not None else "ltr",
        "languages": languages,
        "language": language,
        "parts": _parts(texts, given),
        "strays": [(path, said) for path, said in given.items() if path not in known],
        "suggested": SUGGESTED,
    }
    return render(request, "researcher/design/translate.html", frame(request, study, "design_translate", **context))


def _readable(text: str) -> Protocol | None:
    """Returns the protocol of a draft whose fields are valid one by one, even if translations are missing; None
    otherwise."""
    try:
        return Protocol.model_validate(data_in(text))
    except ValidationError:
        return None


def _languages(protocol: Protocol) -> list[Language]:
    needed = [text.path for text in translatable(protocol) if text.required]
    return [
        Language(tag, own_name(tag), direction(tag), _said(needed, protocol.translations.get(tag, {})), len(needed))
        for tag in dict.fromkeys(protocol.languages[1:])
    ]


def _said(needed: list[str], given: Mapping[str, str]) -> int:
    return sum(bool(given.get(path, "").strip()) for path in needed)


def _chosen(languages: list[Language], tag: str) -> Language | None:
    """Returns the language that was asked for, else the first incomplete one, else the first one."""
    asked = [language for language in languages if language.tag == tag]
    open_ = [language for language in languages if language.done < language.total]
    return next(iter([*asked, *open_, *languages]), None)


def _parts(texts: list[Text], given: Mapping[str, str]) -> list[Part]:
    """Groups texts by their top-level key. Neighbouring keys with a single text, such as the title, share a part."""

    def part_of(text: Text) -> str:
        key, _, within = text.path.partition(".")
        return key if within else ALONE

    def line(text: Text) -> Line:
        name = text.path.partition(".")[2] or text.path
        return Line(text, name.replace("_", " ").replace(".", " › ").capitalize(), given.get(text.path, ""))

    return [
        Part(key.replace("_", " ").capitalize(), [line(text) for text in found])
        for key, found in groupby(texts, key=part_of)
    ]


def _change(study: Study, do: str, language: str, author: User) -> str:
    """Adds or removes a language in the current draft. Returns the tag of a language that was added, or an empty text.

    Raises DraftRefused."""
    tag = _tag(language)
    for _ in range(ATTEMPTS):
        draft = drafts.draft_of(study)
        changes = _edits(data_in(draft.text) or {}, do, tag)
        if drafts.save(draft, edits.apply(draft.text, edits.parse_edits(changes)), draft.revision, author):
            return tag if do == "add" else ""
    raise DraftRefused("Somebody else is saving at this moment. Try again.")


def _edits(document: dict[str, Any], do: str, tag: str) -> list[dict[str, Any]]:
    """Returns the edits that add or remove a language. Raises DraftRefused."""
    languages = document.get("languages")
    listed = languages if isinstance(languages, list) and languages else [*Protocol.model_fields["languages"].default]
    if do == "add":
        if tag in listed:
            raise DraftRefused(f"{own_name(tag)} has already been added.")
        if listed is languages:
            return [{"do": "put", "path": ["languages", len(listed)], "value": tag}]
        return [{"do": "put", "path": ["languages"], "value": [*listed, tag]}]
    if do == "remove" and listed is languages and tag in listed[1:]:
        kept = [index for index, other in enumerate(listed) if index == 0 or other != tag]
        remove = {"do": "arrange", "path": ["languages"], "items": kept}
        has_texts = isinstance(document.get("translations"), dict)
        return [remove, *([{"do": "drop", "path": ["translations", tag]}] if has_texts else [])]
    raise DraftRefused(f"{own_name(tag)} is not among the languages to translate to.")


def _tag(language: str) -> str:
    """Returns a language tag in the case that BCP 47 recommends: `pt-br` becomes `pt-BR`. Raises DraftRefused."""
    first, *rest = language.strip().replace("_", "-").split("-")
    tag = "-".join([first.lower(), *(part.upper() if len(part) == 2 else part.capitalize() for part in rest)])
    if not re.fullmatch(LANGUAGE_PATTERN, tag):
        raise DraftRefused("Give the language by its code, such as sv, pt-BR or zh-Hant.")
    return tag
