"""What people read keeps to the glossary: one word for one thing, typographic marks, no stray spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml
from babel.messages.catalog import Message

from hearmeout_site.environment import ROOT
from hearmeout_site.messages import DOMAINS, GLOSSARY, TRANSLATED, catalogue, catalogue_path, comment, glossary, sources

TEMPLATES: Final = sorted((ROOT / "studies" / "protocol" / "templates").glob("*.yaml"))
CATALOGUES: Final = [(language, domain) for language in TRANSLATED for domain in DOMAINS]
RESEARCHERS_ONLY: Final = ("studies/insights/measure.py", "studies/static/studies/js/players/multitrack.js")
FOR_MODELS: Final = {"text_prompt", "voice_prompt", "analysis"}
"""Parts of a protocol that participants never read."""

BEFORE_A_NOUN: Final = (
    r"(?:a|an|the|this|that|these|those|your|our|each|every|another|no|any|one|two|of)"
    r"(?:\s(?:first|second|last|new|next|previous|earlier|practice|whole|short|ticked|finished))?"
)
OTHER_NOUNS: Final = {
    "en": re.compile(
        r"\b(?:visits?|trials?|tracks?|conditions?|talks)\b|\btakes (?:and|are|of|were)\b"
        rf"|\b{BEFORE_A_NOUN}\s(?:talk|take)\b(?!\spart)"
        r"|\b(?:practice|last) talk\b|\btalk (?:is|was|has|had|begins|began|ends|ended|broke|starts)\b",
        re.IGNORECASE,
    ),
    "sv": re.compile(r"\b(?:besök(?:et|en|ets)?|försöksled(?:et)?|spåren?|betingelser?)\b", re.IGNORECASE),
    "de": re.compile(r"\b(?:Besuch(?:e|s|es)?|Spur(?:en)?|Bedingung(?:en)?)\b"),
}
"""Words for session, conversation and answer that participants do not meet; "talk" is a verb only."""
UNTIDY: Final = {
    "en": re.compile(r"  |\.\.\.|\w'\w|[\"„”](?=\w)|\s[,.;:!?]|\s-\s"),
    "sv": re.compile(r"  |\.\.\.|\w'\w|[\"„“]|\s[,.;:!?]|\s-\s"),
    "de": re.compile(r"  |\.\.\.|\w'\w|[\"”]|\s[,.;:!?]|\s-\s"),
}
"""Double spaces, three dots, straight or foreign quotes, spaces before marks, hyphens as dashes."""


def plain(text: str) -> str:
    """The words alone, without tags, addresses and placeholders."""
    return re.sub(r"<[^>]*>|https?://\S*|%\(\w+\)s", "X", text)


def forms(message: Message, *, translated: bool) -> list[str]:
    text = message.string if translated else message.id
    return [plain(form) for form in (text if isinstance(text, tuple | list) else (text,)) if form]


def is_for_participants(message: Message) -> bool:
    return any(place not in RESEARCHERS_ONLY for place, _line in message.locations)


@pytest.mark.parametrize("domain", DOMAINS)
def test_participants_meet_one_word_for_one_thing(domain: str) -> None:
    found = [
        text
        for message in sources(domain)
        if message.id and is_for_participants(message)
        for text in forms(message, translated=False)
        if OTHER_NOUNS["en"].search(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_translations_have_one_word_for_one_thing(language: str, domain: str) -> None:
    found = [
        text
        for message in catalogue(language, domain)
        if message.id and is_for_participants(message)
        for text in forms(message, translated=True)
        if OTHER_NOUNS[language].search(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("domain", DOMAINS)
def test_texts_are_typographically_clean(domain: str) -> None:
    found = [
        text
        for message in sources(domain)
        if message.id
        for text in forms(message, translated=False)
        if UNTIDY["en"].search(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_translations_are_typographically_clean(language: str, domain: str) -> None:
    found = [
        text
        for message in catalogue(language, domain)
        if message.id
        for text in forms(message, translated=True)
        if UNTIDY[language].search(text.replace(" …", "…"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "This visit is over.",
        "The talk had to stop",
        "One talk in each voice",
        "A practice talk first",
        "3 talks are left.",
    ],
)
def test_another_noun_is_found(text: str) -> None:
    assert OTHER_NOUNS["en"].search(text)


@pytest.mark.parametrize(
    "text",
    [
        "You can take part again.",
        "It takes about a minute.",
        "Speak up before you talk with the machine.",
        "Start talking",
        "Take a break",
    ],
)
def test_verbs_are_not_taken_for_nouns(text: str) -> None:
    assert not OTHER_NOUNS["en"].search(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "the machine's turn"),
        ("en", "Wait ..."),
        ("en", "two  spaces"),
        ("sv", "“citat”"),
        ("de", "“Zitat”"),
        ("de", "hier , dort"),
    ],
)
def test_untidy_text_is_found(language: str, text: str) -> None:
    assert UNTIDY[language].search(text)


# -- the shipped studies -----------------------------------------------------------------------------------------------


def texts_of(value: Any, key: str = "") -> Iterator[str]:
    """Every text of a protocol that people read."""
    if key in FOR_MODELS or ".analysis." in key:
        return
    if isinstance(value, dict):
        for name, part in value.items():
            yield from texts_of(part, str(name))
    elif isinstance(value, list):
        for part in value:
            yield from texts_of(part)
    elif isinstance(value, str) and " " in value:
        yield value


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_shipped_study_has_one_word_for_one_thing(path: Any) -> None:
    document = yaml.safe_load(path.read_text("utf-8"))
    translations = document.pop("translations", {})
    found = [text for text in texts_of(document) if OTHER_NOUNS["en"].search(text)]
    for language, translated in translations.items():
        found += [text for text in texts_of(translated) if OTHER_NOUNS[language].search(text)]
    assert not found, "\n".join(found)


# -- the glossary ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_catalogue_begins_with_the_glossary(language: str, domain: str) -> None:
    assert catalogue_path(language, domain).read_text("utf-8").startswith(comment(language) + 'msgid ""\n')


def test_glossary_has_every_word_in_every_language() -> None:
    rows = [line.count(" | ") for line in GLOSSARY.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert set(rows) == {1 + len(TRANSLATED)}
    for language in TRANSLATED:
        words = glossary(language)
        assert {"study", "session", "conversation", "scenario", "answer"} <= words.keys()
        assert all(words.values())
