"""Does what a browser does on a study's site before a conversation: follows the link to the trial that is due and
starts a take of it.

Consent and device check require a person with a browser and cannot be given here.
"""

from __future__ import annotations

import json
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
                return await _take(http, origin, _chosen(page, choice))
            if kind == "talk" and (choice.engine or choice.voice):
                raise TalkProblem("The study decides on the engine and the voice: leave both out.", TalkProblem.REFUSED)
            if kind != "talk":
                raise _left_to_a_browser(page, kind)
            return await _take(http, origin, f"/p/{token}/trials/{position}/takes/")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise TalkProblem(unreachable(link, error), TalkProblem.UNREACHABLE) from None


async def _take(http: httpx.AsyncClient, origin: str, address: str) -> StartedTake:
    answer = await http.post(address, headers=_same_site(http, origin))
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


def _left_to_a_browser(page: httpx.Response, kind: str) -> TalkProblem:
    problem = IN_BROWSER.get(kind, "This session cannot continue right now.")
    resume = page.url.copy_with(raw_path="/".join(page.url.path.split("/")[:3]).encode() + b"/")
    return TalkProblem(f"{problem} Open {resume} in a browser.", TalkProblem.REFUSED)


def _chosen(page: httpx.Response, choice: Choice) -> str:
    """Returns the address that starts a take of the choice, on the page of an explore study. Raises TalkProblem."""
    explore = _ExplorePage()
    explore.feed(page.text)
    try:
        config = json.loads(explore.config)
        address, agreed = str(config["talksUrl"]), config["agreed"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise TalkProblem("The page of this study is not one of Hear Me Out.", TalkProblem.REFUSED) from None
    if not agreed:
        raise _left_to_a_browser(page, "consent")
    chosen = {}
    for name, offered in explore.offered.items():
        asked = getattr(choice, name, "")
        if asked and asked not in offered:
            raise TalkProblem(
                f"The study offers no {name} called {asked!r}; there are {', '.join(offered)}.", TalkProblem.REFUSED
            )
        chosen[name] = asked or explore.ticked.get(name, offered[0])
    return str(httpx.URL(address).copy_merge_params(chosen))


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
class _ExplorePage(HTMLParser):
    """The page of an explore study: the `offered` values by name, the `ticked` one, and its `config` as JSON."""

    offered: dict[str, list[str]] = field(default_factory=dict)
    ticked: dict[str, str] = field(default_factory=dict)
    config: str = ""
    _in_config: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_config = tag == "script" and given.get("id") == "explore-config"
        if tag == "input" and given.get("type") == "radio" and given.get("name"):
            self.offered.setdefault(given["name"], []).append(given.get("value", ""))
            if "checked" in given:
                self.ticked[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._in_config:
            self.config += data

    def handle_endtag(self, tag: str) -> None:
        self._in_config = False
