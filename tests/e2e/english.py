"""Finds English in a page that speaks another language."""

from __future__ import annotations

import re
from functools import cache

from playwright.sync_api import Page

from hearmeout_site.messages import TRANSLATED, catalogue, sources

# everything that can be seen or is read aloud, a line each
SPOKEN = """() => {
  const attributes = ["aria-label", "aria-valuetext", "alt", "title", "placeholder", "data-empty"];
  const marked = [...document.querySelectorAll(attributes.map((name) => `[${name}]`).join())];
  const said = marked.flatMap((element) => attributes.map((name) => element.getAttribute(name) ?? ""));
  return [document.title, ...document.body.innerText.split("\\n"), ...said].map((line) => line.trim()).filter(Boolean);
}"""
SAME_EVERYWHERE = {"Solo", "Moshi", "Realtime API"}


@cache
def english_sentences(language: str) -> tuple[re.Pattern[str], ...]:
    """Every sentence of the interface, its placeholders standing for anything; but those that `language` shares."""
    texts: set[str] = set()
    for domain in ("django", "djangojs"):
        same = _same(language, domain) if language in TRANSLATED else set()
        for message in sources(domain):
            texts.update(_forms(message.id) - same)
    whole = [text for text in texts if len(text) > 3 and text not in SAME_EVERYWHERE]
    return tuple(re.compile(re.sub(r"%\\?\(\w+\\?\)s", ".+", re.escape(text))) for text in whole)


def english_on(page: Page) -> list[str]:
    """The lines of the page that are sentences of the interface in English."""
    lines: list[str] = page.evaluate(SPOKEN)
    sentences = english_sentences(page.locator("html").get_attribute("lang") or "")
    return [line for line in lines if any(sentence.fullmatch(line) for sentence in sentences)]


def _same(language: str, domain: str) -> set[str]:
    """What is translated by itself."""
    messages = catalogue(language, domain)
    return {text for message in messages for text in _forms(message.id) & _forms(message.string)}


def _forms(text: object) -> set[str]:
    return {str(form) for form in text} if isinstance(text, tuple | list) else {str(text)}
