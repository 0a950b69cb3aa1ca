"""One bot: a participant that reads pages, fills in forms and talks, with nothing but what a browser has.

It knows the study's document, to tell what an answer may be; what is asked of it, it reads from the pages."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from studies.design.questions import options_of, visible
from studies.protocol.items import AnyItem, Choices, Notice
from studies.protocol.schema import Protocol
from studies.protocol.voices import converts as changes_voice
from studies.simulation.answering import answer, eligible_answers, form_fields
from studies.simulation.diary import Asked, Diary
from studies.simulation.errors import SimulationError
from studies.simulation.microphone import Microphone
from studies.simulation.pages import Form, forms_of
from studies.simulation.talking import talk

MOST_PAGES: Final = 1_000
FILED_WITHIN_SEC: Final = 300.0
POLL_SEC: Final = 0.5
TALKS_TO_EXPLORE: Final = 2
LONGER_SEC: Final = 60.0  # than the talk: an answer was heard to its end
SIDES: Final = re.compile(r"listened-([A-Z])$")
CODE: Final = re.compile(r"completion-code[^>]*>\s*([^<\s]+)\s*<")
LAST: Final = "debrief"


class Bot:
    """`link` starts a visit that does not count. `http` has the site as its base address and follows redirects."""

    def __init__(
        self, number: int, seed: int, link: str, protocol: Protocol, microphone: Microphone, talk_sec: float
    ) -> None:
        self._draw = random.Random(f"{seed}:{number}")  # noqa: S311  variety, not secrecy
        self._link = link
        self._protocol = protocol
        self._microphone = microphone
        self._talk_sec = talk_sec
        self._eligible = eligible_answers(protocol, self._draw)
        self.diary = Diary(number, "")

    async def visit(self, http: httpx.AsyncClient) -> Diary:
        """From the link to the completion code. Raises SimulationError."""
        try:
            await self._walk(http)
        except httpx.HTTPError as error:
            raise SimulationError(f"bot {self.diary.bot}: {type(error).__name__} {error}") from None
        except SimulationError as error:
            raise SimulationError(f"bot {self.diary.bot} at {self.diary.pages[-1:]}: {error}") from None
        return self.diary

    async def _walk(self, http: httpx.AsyncClient) -> None:
        page = await self._begin(http)
        for _ in range(MOST_PAGES):
            kind, arguments = self._place(page)
            self.diary.pages.append("/".join([kind, *arguments]))
            if kind == LAST:
                await self._finish(http, page)
                return
            page = await self._go_on(http, page, kind, arguments)
        raise SimulationError("the visit has no end")

    async def _begin(self, http: httpx.AsyncClient) -> httpx.Response:
        page = self._well(await http.get(self._link))
        if "/p/" not in page.url.path:
            page = await self._post(http, page, {})
        self.diary.token = page.url.path.split("/p/", 1)[1].split("/", 1)[0]
        return page

    async def _go_on(
        self, http: httpx.AsyncClient, page: httpx.Response, kind: str, arguments: Sequence[str]
    ) -> httpx.Response:
        match kind:
            case "consent":
                return await self._consent(http, page)
            case "check":
                return await self._check(http, page)
            case "headphones":
                asked = self._protocol.device_check.headphones
                heard = [self._draw.randint(1, 3) for _ in range(asked.trials if asked else 0)]
                return await self._post(http, page, {"answers": json.dumps(heard)}, holding="answers")
            case "intro" | "break":
                return await self._post(http, page, {})
            case "questions":
                position = int(arguments[1]) if len(arguments) > 1 else None
                return await self._answer(http, page, position=position)
            case "compare":
                return await self._compare(http, page, int(arguments[0]))
            case "explore":
                return await self._explore(http, page)
            case "talk":
                return await self._talk(http, int(arguments[0]))
        raise SimulationError(f"there is nothing a bot could do on the page {kind}")

    async def _consent(self, http: httpx.AsyncClient, page: httpx.Response) -> httpx.Response:
        for purpose in self._protocol.consent.purposes:
            self.diary.consents[purpose.key] = purpose.required or self._draw.random() < 0.5
        agreed = {key: "on" for key, granted in self.diary.consents.items() if granted}
        return await self._post(http, page, {**agreed, "decision": "agree"}, holding="participate")

    async def _check(self, http: httpx.AsyncClient, page: httpx.Response) -> httpx.Response:
        clock = asyncio.get_running_loop().time
        before = clock()
        await http.get("/healthz")
        report = {**self._microphone.report(), "round_trip_ms": round((clock() - before) * 1_000, 1)}
        return await self._post(http, page, {"device": json.dumps(report)}, holding="device")

    async def _answer(
        self,
        http: httpx.AsyncClient,
        page: httpx.Response,
        *,
        position: int | None = None,
        pair: int | None = None,
        sides: Sequence[str] = (),
        extra: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        form = self._form(page, "epoch")
        items = self._asked(form)
        given = {item.key: self._eligible.get(item.key, answer(item, self._draw, sides)) for item in items}
        shown = {item.key for item in visible(items, self._known(position, pair) | _given(given))}
        for item in items:
            if item.key in shown:
                self.diary.answers[Asked(item.key, position, pair)] = given[item.key]
        fields = {name: value for item in items for name, value in form_fields(item, given[item.key]).items()}
        return await self._post(http, page, {**fields, **(extra or {})}, holding="epoch")

    async def _compare(self, http: httpx.AsyncClient, page: httpx.Response, pair: int) -> httpx.Response:
        fields = [*self._form(page, "epoch").hidden, *self._form(page, "epoch").names]
        listened = [(name, found[1]) for name in fields if (found := SIDES.search(name))]
        heard = {name: str(self._talk_sec + LONGER_SEC) for name, _ in listened}
        return await self._answer(http, page, pair=pair, sides=[side for _, side in listened], extra=heard)

    async def _explore(self, http: httpx.AsyncClient, page: httpx.Response) -> httpx.Response:
        offer = self._protocol.offer
        if offer is None or len(self.diary.talks) >= TALKS_TO_EXPLORE:
            return await self._post(http, page, {"decision": "finish"}, holding="epoch")
        converts = self.diary.consents.get("convert", False)
        voices = [voice.key for voice in offer.voices if converts or not changes_voice(voice.voices)]
        chosen = {
            "prompt": self._draw.choice(self._protocol.prompts).key,
            "voice": self._draw.choice(voices),
            "engine": self._draw.choice(offer.engines).engine,
        }
        return await self._post(http, page, chosen, holding="prompt")

    async def _talk(self, http: httpx.AsyncClient, position: int) -> httpx.Response:
        token = self.diary.token
        answered = self._well(await http.post(f"/p/{token}/trials/{position}/takes/", headers=self._headers(http)))
        start = answered.json()
        origin = f"{http.base_url.scheme}://{http.base_url.netloc.decode()}"
        address = f"{origin.replace('http', 'ws', 1)}{start['socketUrl']}?ticket={start['ticket']}"
        talked = await talk(address, origin, start["take"], self._microphone, self._talk_sec)
        self.diary.talks[position] = talked
        await self._filed(http, start["statusUrl"])
        return self._well(await http.get(f"/p/{token}/next/"))

    async def _filed(self, http: httpx.AsyncClient, status_url: str) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + FILED_WITHIN_SEC
        while clock() < deadline:
            status = self._well(await http.get(status_url)).json()
            if status["filed"]:
                return
            if status["state"] == "failed":
                raise SimulationError(f"a recording could not be filed: {status['error']}")
            await asyncio.sleep(POLL_SEC)
        raise SimulationError("a recording was not filed in time; does the Celery worker run?")

    async def _finish(self, http: httpx.AsyncClient, page: httpx.Response) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + FILED_WITHIN_SEC
        while not (found := CODE.search(page.text)):
            if clock() > deadline:
                raise SimulationError("no completion code was shown")
            await asyncio.sleep(POLL_SEC)
            page = self._well(await http.get(page.url.path))
        self.diary.completion_code = found[1]
        self.diary.ended = "finished"

    def _asked(self, form: Form) -> list[AnyItem]:
        """The items that a form asks, in its order, options written out."""
        known = self._protocol.items()
        keys = dict.fromkeys(name.split(".")[0] for name in [*form.names, *form.hidden])
        listed: list[AnyItem] = []
        for item in (known[key] for key in keys if key in known):
            if isinstance(item, Choices):
                item = item.model_copy(update={"options": options_of(item, self._protocol)})
            if not isinstance(item, Notice):
                listed.append(item)
        return listed

    def _known(self, position: int | None, pair: int | None) -> dict[str, Any]:
        """What was answered that conditions on this page may ask for."""
        return _given(
            {
                asked.item: value
                for asked, value in self.diary.answers.items()
                if asked.position in (None, position) and asked.pair in (None, pair)
            }
        )

    def _form(self, page: httpx.Response, holding: str) -> Form:
        for form in forms_of(page.text):
            if form.method == "post" and (not holding or holding in {*form.names, *form.hidden}):
                return form
        raise SimulationError(f"the page {page.url.path} has no form with {holding}")

    async def _post(
        self, http: httpx.AsyncClient, page: httpx.Response, values: Mapping[str, Any], holding: str = ""
    ) -> httpx.Response:
        form = self._form(page, holding)
        address = form.action or str(page.url)  # with its query, as browsers do
        answered = await http.post(address, data=form.filled(values), headers=self._headers(http))
        if answered.status_code == 422:
            raise SimulationError(f"the page refused what was sent: {_complaints(answered.text)}")
        return self._well(answered)

    def _place(self, page: httpx.Response) -> tuple[str, list[str]]:
        parts = page.url.path.strip("/").split("/")
        if len(parts) < 3 or parts[0] != "p":
            raise SimulationError(f"the visit ended at {page.url.path}")
        return parts[2], parts[3:]

    @staticmethod
    def _headers(http: httpx.AsyncClient) -> dict[str, str]:
        return {"X-CSRFToken": http.cookies.get("csrftoken") or "", "Referer": str(http.base_url)}

    @staticmethod
    def _well(answered: httpx.Response) -> httpx.Response:
        if answered.is_error:
            path = urlsplit(str(answered.url)).path
            raise SimulationError(f"the site answered {answered.status_code} for {path}")
        return answered


def _given(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {item: value for item, value in answers.items() if value is not None}


def _complaints(html: str) -> str:
    """What a page says was wrong."""
    texts = re.findall(r'class="[^"]*(?:error|notice--error)[^"]*"[^>]*>\s*([^<]{4,200})', html)
    return "; ".join(text.strip() for text in texts) or "it does not say why"
