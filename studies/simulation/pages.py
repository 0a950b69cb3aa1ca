"""What a bot reads from a page: its forms, its heading, and the configuration of its scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any, Final

from studies.errors import SimulationError

INPUTS: Final = frozenset({"input", "select", "textarea", "button"})


@dataclass(slots=True)
class Form:
    """A form of a page: its hidden fields with their values, the names of all other fields, and (name, value) of its
    buttons."""

    action: str = ""
    method: str = "get"
    hidden: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what is sent: the hidden fields and `values`."""
        return {**self.hidden, **values}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag in INPUTS and self._form is not None:
            self._note(self._form, tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None

    @staticmethod
    def _note(form: Form, tag: str, given: Mapping[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "")
        if tag == "button":
            form.buttons.append((name, given.get("value", "")))
        elif name and kind == "hidden":
            form.hidden[name] = given.get("value", "")
        elif name and name not in form.names:
            form.names.append(name)


def forms_of(html: str) -> list[Form]:
    """Returns all forms of a page in order."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms


def posted_form(html: str, holding: str) -> Form:
    """Returns the first form with the method POST that has the field `holding` (any form for "").

    Raises SimulationError if there is none."""
    for form in forms_of(html):
        if form.method == "post" and (not holding or holding in {*form.names, *form.hidden}):
            return form
    raise SimulationError(f"the page has no form with {holding}")


def form_of_questions(html: str) -> Form:
    """Returns the form of questions on a page, which a script sends. Raises SimulationError if there is none."""
    for form in forms_of(html):
        if form.method != "post" and "epoch" in form.hidden:
            return form
    raise SimulationError("the page has no form of questions")


def complaints_of(html: str) -> str:
    """Returns the error messages on a page."""
    texts = re.findall(r'class="[^"]*(?:error|notice--error)[^"]*"[^>]*>\s*([^<]{4,200})', html)
    return "; ".join(text.strip() for text in texts) or "it does not say why"


def heading_of(html: str) -> str:
    """Returns the text of a page's first heading; empty if there is none."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[1])).split()) if found else ""


def config_of(html: str, name: str) -> dict[str, Any]:
    """Returns the configuration of the page's scripts in the element with this id.

    Raises SimulationError if there is none."""
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', html, re.DOTALL)
    if found is None:
        raise SimulationError(f"the page has no {name}")
    config: dict[str, Any] = json.loads(found[1])
    return config
