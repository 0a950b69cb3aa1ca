"""One bot, which reads pages, fills in forms and talks like a participant, using only what a browser gets.

It knows the study's protocol, to find valid answers, but reads from the pages what it is asked."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from studies.design.headphones import target_of
from studies.design.questions import scenarios_of, visible
from studies.errors import SimulationError
from studies.protocol.schema import Protocol, offer_key
from studies.protocol.voices import converts as changes_voice
from studies.questions.registry import AnyItem
from studies.simulation.answering import answer, eligible_answers
from studies.simulation.diary import Asked, Diary, answered_only, reasons_to_leave
from studies.simulation.pages import complaints_of, config_of, form_of_questions, heading_of, posted_form
from studies.simulation.talking import Microphone, talk

MOST_PAGES: Final = 1_000
FILED_WITHIN_SEC: Final = 300.0
POLL_SEC: Final = 0.5
TALKS_TO_EXPLORE: Final = 2
LONGER_SEC: Final = 60.0  # added to the length of a talk, so that an answer counts as heard to its end
BEFORE_LIMIT_SEC: Final = 1.0  # The bot ends a talk before its limit, so that it knows exactly what it sent.
CARELESS_EVERY: Final = 4
SIDES: Final = re.compile(r"listened-([A-Z])$")
SHOWN: Final = re.compile(r'data-side="([A-Z])"')
CODE: Final = re.compile(r"completion-code[^>]*>\s*([^<\s]+)\s*<")
LAST: Final = "debrief"
LISTENED: Final = "listened_sec"
"""The name under which a page sends how long the recorded answer of a side was played."""


class Bot:
    """A bot. `link` begins a session of the mode bot, which does not count.

    Bots take the study's languages in turn. Every fourth bot is careless: it answers eligibility items at random,
    misses attention checks and guesses at the headphone screening, so that it may be screened out."""

    def __init__(
        self, number: int, seed: int, link: str, protocol: Protocol, microphone: Microphone, talk_sec: float
    ) -> None:
        self._draw = random.Random(f"{seed}:{number}")  # noqa: S311  variety, not secrecy
        self._link = link
        self._protocol = protocol
        self._microphone = microphone
        self._talk_sec = talk_sec
        self._careless = number % CARELESS_EVERY == 0
        self._eligible = {} if self._careless else eligible_answers(protocol, self._draw)
        self.diary = Diary(number, "", language=protocol.languages[(number - 1) % len(protocol.languages)])

    async def visit(self, http: httpx.AsyncClient) -> Diary:
        """Takes part from the link to the completion code, or until it is screened out.

        `http` has the site as its base address and follows redirects. Raises SimulationError."""
        try:
            await self._walk(http)
        except SimulationError as error:
            raise SimulationError(f"{self._where}: {error}") from None
        except httpx.HTTPError as error:
            raise SimulationError(f"{self._where}: the site was lost, {type(error).__name__} {error}") from None
        except (LookupError, TypeError, ValueError) as error:
            what = f"{type(error).__name__} {error}"
            raise SimulationError(
                f"{self._where}: the site answered with something a bot does not understand, {what}"
            ) from None
        return self.diary

    @property
    def _where(self) -> str:
        return f"bot {self.diary.bot} at {self.diary.pages[-1] if self.diary.pages else 'the link'}"

    async def _walk(self, http: httpx.AsyncClient) -> None:
        page = await self._begin(http)
        for _ in range(MOST_PAGES):
            if self._is_over(page):
                self._leave(page)
                return
            kind, arguments = self._place(page)
            self.diary.pages.append("/".join([kind, *arguments]))
            if kind == LAST:
                await self._finish(http, page)
                return
            page = await self._go_on(http, page, kind, arguments)
        raise SimulationError("the session has no end")

    async def _begin(self, http: httpx.AsyncClient) -> httpx.Response:
        page = await http.get(self._link)
        if page.is_client_error:
            raise SimulationError(
                f"the site does not let it in, {page.status_code} “{heading_of(page.text)}”. Do the site and this "
                "command use the same database and secrets (DATABASE_URL, DATA_DIR, SECRET_KEY)?"
            )
        self._well(page)
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
                return await self._headphones(http, page)
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
                return await self._talk(http, page, int(arguments[0]))
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
        self.diary.device = report
        return await self._post(http, page, {"device": json.dumps(report)}, holding="device")

    async def _headphones(self, http: httpx.AsyncClient, page: httpx.Response) -> httpx.Response:
        """Gives enough correct answers to pass, or guesses if it is careless."""
        config = config_of(page.text, "headphones-config")
        asked = self._protocol.device_check.headphones
        wrong = config["trials"] - asked.pass_at if asked is not None else 0
        overheard = set(self._draw.sample(range(config["trials"]), self._draw.randint(0, wrong)))
        right = [target_of(config["seed"], config["attempt"], trial) for trial in range(config["trials"])]
        if self._careless:
            heard = [self._draw.randint(1, 3) for _ in right]
        else:
            heard = [answer % 3 + 1 if trial in overheard else answer for trial, answer in enumerate(right)]
        self.diary.headphones.append(sum(map(int.__eq__, heard, right)))
        return await self._post(http, page, {"answers": json.dumps(heard)}, holding="answers")

    async def _answer(
        self,
        http: httpx.AsyncClient,
        page: httpx.Response,
        *,
        position: int | None = None,
        pair: int | None = None,
        listened: Mapping[str, float] = MappingProxyType({}),
    ) -> httpx.Response:
        """Sends all answers of a page, as its script does to continue. `listened` maps each side to the seconds that
        were heard."""
        config = config_of(page.text, "questions-config")
        items = self._asked(config["questionnaires"])
        given = {
            item.key: self._eligible.get(item.key, answer(item, self._draw, [*listened], careless=self._careless))
            for item in items
        }
        shown = {item.key for item in visible(items, self.diary.known(position, pair) | answered_only(given))}
        for item in items:
            if item.key in shown:
                self.diary.answers[Asked(item.key, position, pair)] = given[item.key]
        heard = [{"item": LISTENED, "side": side, "value": seconds} for side, seconds in listened.items()]
        body = {
            "answers": [*({"item": item, "value": value} for item, value in given.items()), *heard],
            "epoch": form_of_questions(page.text).hidden["epoch"],
            "questionnaire": next(iter(config["questionnaires"].values())),
            "position": config["position"],
            "pair": config["pair"],
            "go_on": True,
        }
        answered = await http.post(config["saveUrl"], json=body, headers=self._headers(http))
        if answered.status_code == 422:
            raise SimulationError(f"the page refused what was sent: {answered.json()}")
        return self._well(await http.get(self._well(answered).json()["next"]))

    async def _compare(self, http: httpx.AsyncClient, page: httpx.Response, pair: int) -> httpx.Response:
        form = form_of_questions(page.text)
        sides = [found[1] for name in [*form.hidden, *form.names] if (found := SIDES.search(name))]
        seconds = self._talk_sec + LONGER_SEC
        self.diary.listened_sec |= {(pair, side): seconds for side in sides}
        self.diary.shown[pair] = "".join(SHOWN.findall(page.text))
        return await self._answer(http, page, pair=pair, listened=dict.fromkeys(sides, seconds))

    async def _explore(self, http: httpx.AsyncClient, page: httpx.Response) -> httpx.Response:
        if not self.diary.consents:
            return await self._consent(http, page)
        offer = self._protocol.offer
        if offer is None or len(self.diary.talks) >= TALKS_TO_EXPLORE:
            return await self._post(http, page, {"decision": "finish"}, holding="decision")
        converts = self.diary.consents.get("convert", False)
        voices = [voice.key for voice in offer.voices if converts or not changes_voice(voice.voices)]
        chosen = {
            "prompt": self._draw.choice(self._protocol.prompts).key,
            "voice": self._draw.choice(voices),
            "engine": self._draw.choice(_to_choose(page, [machine.name for machine in offer.engines])),
        }
        condition = offer_key(chosen["engine"], chosen["voice"])
        self.diary.chosen[len(self.diary.talks)] = (chosen["prompt"], condition)
        position = len(self.diary.talks)
        return await self._talk_at(http, config_of(page.text, "explore-config")["talksUrl"], position, params=chosen)

    async def _talk(self, http: httpx.AsyncClient, page: httpx.Response, position: int) -> httpx.Response:
        return await self._talk_at(http, config_of(page.text, "talk-config")["takesUrl"], position)

    async def _talk_at(
        self, http: httpx.AsyncClient, takes_url: str, position: int, params: Mapping[str, str] = MappingProxyType({})
    ) -> httpx.Response:
        """Starts a take at this address and talks. `params` are added to the address."""
        address_of_take = httpx.URL(takes_url).copy_merge_params(dict(params))
        start = self._well(await http.post(address_of_take, headers=self._headers(http))).json()
        seconds = min(self._talk_sec, start["limitMs"] / 1_000 - BEFORE_LIMIT_SEC)
        origin = f"{http.base_url.scheme}://{http.base_url.netloc.decode()}"
        address = f"{origin.replace('http', 'ws', 1)}{start['socketUrl']}?ticket={start['ticket']}"
        talked = await talk(address, origin, start["take"], self._microphone, seconds)
        self.diary.talks[position] = talked
        await self._filed(http, start["statusUrl"])
        return self._well(await http.get(f"/p/{self.diary.token}/next/"))

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

    def _asked(self, questionnaires: Mapping[str, str]) -> list[AnyItem]:
        """Returns the items of a page in its order, with their options written out. The page names them by their
        keys."""
        items = self._protocol.items()
        scenarios = scenarios_of(self._protocol)
        return [items[key].written_out(scenarios) for key in questionnaires if items[key].asks]

    async def _post(
        self, http: httpx.AsyncClient, page: httpx.Response, values: Mapping[str, Any], holding: str = ""
    ) -> httpx.Response:
        form = posted_form(page.text, holding)
        address = form.action or str(page.url)  # Without an action, browsers send to the page's address with its query.
        answered = await http.post(address, data=form.filled(values), headers=self._headers(http))
        if answered.status_code == 422:
            raise SimulationError(f"the page refused what was sent: {complaints_of(answered.text)}")
        return self._well(answered)

    def _place(self, page: httpx.Response) -> tuple[str, list[str]]:
        parts = page.url.path.strip("/").split("/")
        if len(parts) < 3 or parts[0] != "p":
            raise SimulationError(f"it was led out of the session, to “{heading_of(page.text)}” at {page.url.path}")
        return parts[2], parts[3:]

    def _is_over(self, page: httpx.Response) -> bool:
        """Whether this is the page on which a session ends early."""
        return page.url.path.strip("/") == f"p/{self.diary.token}"

    def _leave(self, page: httpx.Response) -> None:
        """Records that the bot was screened out. Raises SimulationError unless its answers are a reason for that."""
        reasons = reasons_to_leave(self._protocol, self.diary)
        if not reasons:
            raise SimulationError(f"the session ended early with “{heading_of(page.text)}”, which no answer explains")
        if not self._careless:
            raise SimulationError(f"no answers were found with which somebody may take part ({', '.join(reasons)})")
        self.diary.ended = "screened"

    @staticmethod
    def _headers(http: httpx.AsyncClient) -> dict[str, str]:
        return {
            "X-CSRFToken": http.cookies.get("__Host-csrftoken") or http.cookies.get("csrftoken") or "",
            "Referer": str(http.base_url),
        }

    @staticmethod
    def _well(answered: httpx.Response) -> httpx.Response:
        if answered.is_error:
            path = urlsplit(str(answered.url)).path
            raise SimulationError(f"the site answered {answered.status_code} for {path}")
        return answered


def _to_choose(page: httpx.Response, names: list[str]) -> list[str]:
    """Returns those of the machines that the page does not mark as unavailable."""
    marked = {name for name in names if re.search(rf'<input[^>]*value="{name}"[^>]*\sdisabled\b', page.text)}
    return [name for name in names if name not in marked]
