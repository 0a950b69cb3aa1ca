"""What a page says: its texts as they are seen or read aloud, and which of them are the interface's English."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

from django.test import Client

from hearmeout_site.messages import DOMAINS, sources

SPOKEN_ATTRIBUTES = {"aria-label", "aria-description", "alt", "title", "placeholder", "data-label", "data-empty"}
SILENT = {"script", "style", "template"}
LEAST_FRAGMENT = 14  # characters; a shorter part of a sentence may stand in another language by chance


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._skipped: list[str] = []  # open elements of the same kind as the one that is skipped, itself first

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if self._skipped:
            self._skipped += [tag] if tag == self._skipped[0] else []
        elif tag in SILENT or (tag != "html" and ("lang", "en-gb") in attributes):
            self._skipped.append(tag)
        else:
            self.texts += [value or "" for name, value in attributes if name in SPOKEN_ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        if self._skipped and tag == self._skipped[0]:
            self._skipped.pop()

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.texts.append(data)


def texts_of(html: str) -> list[str]:
    """Every piece of text of a page, without its marks, white space folded; not what is marked as English."""
    parser = _Texts()
    parser.feed(html)
    return [text for piece in parser.texts if (text := " ".join(piece.split()))]


@cache
def _english() -> tuple[frozenset[str], tuple[str, ...]]:
    """(whole strings, parts of sentences between placeholders and marks) of the interface."""
    whole: set[str] = set()
    parts: set[str] = set()
    for domain in DOMAINS:
        for message in sources(domain):
            for text in message.id if isinstance(message.id, tuple | list) else [message.id]:
                found = [" ".join(part.split()) for part in re.split(r"%\(\w+\)s|<[^>]+>", text)]
                if len(found) == 1:
                    whole.add(found[0])
                parts.update(part for part in found if len(part) >= LEAST_FRAGMENT)
    return frozenset(whole), tuple(sorted(parts))


def english_in(html: str, *, same: frozenset[str] = frozenset()) -> list[str]:
    """English strings of the interface that a page says; `same` are those that are no sign of English."""
    whole, parts = _english()
    texts = [text for text in texts_of(html) if text not in same]
    return [text for text in texts if text in whole or any(part in text for part in parts)]


class ListeningClient(Client):
    """Keeps every page it is sent. `pages`: (path, HTML)."""

    def __init__(self, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.pages: list[tuple[str, str]] = []

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        if response.content and response.headers.get("Content-Type", "").startswith("text/html"):
            self.pages.append((request.get("PATH_INFO", ""), response.content.decode()))
        return response
