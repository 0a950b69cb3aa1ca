"""Does what a browser does on a study's site before a conversation: follows the link to the trial that is due and
starts a take of it.

Consent and device check require a person with a browser and cannot be given here.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from inference.terminal.dialing import TalkProblem, unreachable

ANSWER_SEC: Final = 15.0
IN_BROWSER: Final = {
    "consent": "The consent form of this session has not been filled in yet.",
    "check": "The microphone has not been checked in this session yet.",
    "headphones": "The headphones have not been checked in this session yet.",
    "questions": "Some questions of this session have to be answered first.",
    "intro": "An introduction to this session has to be read first.",
    "break": "There is a break in this session right now.",
    "compare": "Conversations of this session have to be compared first.",
    "debrief": "This session has ended.",
}


@dataclass(frozen=True, slots=True)
class StartedTake:
    """A take that has been started. `socket` is the address of its WebSocket, including the ticket; `origin` is the
    site's, which the handshake must name."""

    socket: str
    origin: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What a visitor of an explore study asks for; "" accepts what the page preselects."""

    engine: str = ""
    voice: str = ""


async def start_take(link: str, choice: Choice, context: ssl.SSLContext) -> StartedTake:
    """Starts a take from a participant's own `link` (.../p/<token>/...). Raises TalkProblem."""
    parts = urlsplit(link)
    origin = f"{parts.scheme}://{parts.netloc}"
    token = parts.path.split("/p/", 1)[1].split("/", 1)[0]
    async with httpx.AsyncClient(base_url=origin, verify=context, timeout=ANSWER_SEC, follow_redirects=True) as http:
        try:
            page = await http.get(parts.path)
            if page.status_code == 404:
                raise TalkProblem("This link does not belong to a session on this site.", TalkProblem.REFUSED)
            kind, position = _place(page, token)
            if kind == "explore":
                page = await _choose(http, page, choice)
                kind, position = _place(page, token)
            elif kind == "talk" and (choice.engine or choice.voice):
                raise TalkProblem("The study decides on the engine and the voice: leave both out.", TalkProblem.REFUSED)
            if kind != "talk":
                problem = IN_BROWSER.get(kind, "This session cannot continue right now.")
                raise TalkProblem(f"{problem} Open {origin}/p/{token}/ in a browser.", TalkProblem.REFUSED)
            return await _take(http, origin, token, position)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise TalkProblem(unreachable(link, error), TalkProblem.UNREACHABLE) from None


async def _take(http: httpx.AsyncClient, origin: str, token: str, position: str) -> StartedTake:
    answer = await http.post(f"/p/{token}/trials/{position}/takes/", headers=_same_site(http, origin))
    try:
        start: Any = answer.json()
    except (ValueError, RecursionError):
        start = None
    match start:
        case {"socketUrl": str(path), "ticket": str(ticket)} if answer.status_code == 201:
            return StartedTake(f"{origin.replace('http', 'ws', 1)}{path}?ticket={ticket}", origin)
        case {"message": str(message)}:
            raise TalkProblem(message, TalkProblem.REFUSED)
    raise TalkProblem(f"The site answered {answer.status_code}.", TalkProblem.REFUSED)


async def _choose(http: httpx.AsyncClient, page: httpx.Response, choice: Choice) -> httpx.Response:
    """Fills in the form of an explore study, which leads to its conversation."""
    form = _Form()
    form.feed(page.text)
    fields = dict(form.hidden)
    for name, offered in form.offered.items():
        asked = getattr(choice, name, "")
        if asked and asked not in offered:
            raise TalkProblem(
                f"The study offers no {name} called {asked!r}; there are {', '.join(offered)}.", TalkProblem.REFUSED
            )
        fields[name] = asked or form.ticked.get(name, offered[0])
    origin = str(page.url.copy_with(raw_path=b"/")).rstrip("/")
    return await http.post(page.url, data=fields, headers=_same_site(http, origin))


def _place(page: httpx.Response, token: str) -> tuple[str, str]:
    """Returns the kind and the position in an address, such as ("talk", "2") for .../p/<token>/talk/2/."""
    rest = page.url.path.partition(f"/p/{token}/")[2].strip("/").split("/")
    return rest[0], rest[1] if len(rest) > 1 else ""


def _same_site(http: httpx.AsyncClient, origin: str) -> dict[str, str]:
    """Returns the headers which show that the site's own page sent the form."""
    return {
        "X-CSRFToken": http.cookies.get("__Host-csrftoken") or http.cookies.get("csrftoken") or "",
        "Origin": origin,
        "Referer": f"{origin}/",
    }


@dataclass
class _Form(HTMLParser):
    """The fields of the page's last form: the `offered` values by name, the `ticked` one, and the `hidden` fields."""

    hidden: dict[str, str] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)
    ticked: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.hidden, self.offered, self.ticked = {}, {}, {}
        elif not given.get("name"):
            return
        elif tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"]] = given.get("value", "")
        elif tag == "input" and given.get("type") == "radio":
            self.offered.setdefault(given["name"], []).append(given.get("value", ""))
            if "checked" in given:
                self.ticked[given["name"]] = given.get("value", "")
