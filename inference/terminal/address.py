"""Finds out what an address leads to and opens a link to it."""

from __future__ import annotations

import os
import secrets
import ssl
from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

import httpx

from inference.contract.presets import PRESETS
from inference.contract.settings import WrongSettings
from inference.contract.tokens import SLOT, SlotRequest, VoiceSegment, sign
from inference.terminal.arguments import Arguments
from inference.terminal.chat import ChatLink
from inference.terminal.dialing import dial, tls, unreachable
from inference.terminal.link import Link, TalkProblem
from inference.terminal.site import Choice, start_take
from inference.terminal.slot import SlotLink
from inference.terminal.web import WebLink
from inference.worker.settings import WorkerSettings

CHAT_PATH: Final = "/api/chat"
SLOT_PATH: Final = "/slot"
SESSION_PATH: Final = "/p/"
ASK_SEC: Final = 5.0
OWN_VOICE: Final = "natural"
# option -> its name in a chat address
CHAT_NAMES: Final = {
    "temperature": "audio_temperature",
    "top_k": "audio_topk",
    "text_temperature": "text_temperature",
    "text_top_k": "text_topk",
}
SEEDS: Final = ("seed", "text_seed", "audio_seed")  # PersonaPlex has one, Moshi's server in Rust the other two
PROTOCOLS: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
PAGES: Final = {"ws": "http", "wss": "https"}


async def open_link(given: Arguments) -> Link:
    """Connects. Raises TalkProblem."""
    url = given.url if "://" in given.url else f"ws://{given.url}"
    parts = _split(url)
    if parts is None:
        raise TalkProblem(f"{given.url} is no address of a server; see --help.", TalkProblem.REFUSED)
    context = tls(given.certificate, insecure=given.insecure)
    site = urlunsplit((PAGES[PROTOCOLS[parts.scheme]], parts.netloc, "", "", ""))
    if SESSION_PATH in parts.path:
        return await _web(site + parts.path, given, context)
    server = urlunsplit((PROTOCOLS[parts.scheme], parts.netloc, parts.path.rstrip("/"), parts.query, ""))
    if parts.path.endswith(CHAT_PATH):
        return await _chat(server, given, context)
    match await _who_is_there(site, context):
        case {"workers": _, "talks": _}:
            if not given.token:
                raise TalkProblem(
                    "This is a study's site: give your link to a session (.../p/<token>/), or its --token.",
                    TalkProblem.REFUSED,
                )
            return await _web(f"{site}{SESSION_PATH}{given.token}/", given, context)
        case {"ready": _, "engines": [first, *_]} if given.token or _secret():
            return await _slot(server + SLOT_PATH, given, context, str(first))
        case {"ready": _}:
            return await _chat(server + CHAT_PATH, given, context)
    if given.engine or given.voice:
        raise TalkProblem(
            "This server is no inference worker of Hear Me Out: it has one engine and no voices. "
            "Leave out --engine and --voice.",
            TalkProblem.REFUSED,
        )
    return await _chat(server + CHAT_PATH, given, context)


def _split(url: str) -> SplitResult | None:
    """Splits an address; returns None if it is not valid."""
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in PROTOCOLS and parts.hostname and parts.port != 0 else None
    except ValueError:  # unclosed brackets, or a port that is too large or not a number
        return None


async def _web(link: str, given: Arguments, context: ssl.SSLContext) -> Link:
    if given.fast or given.options or given.text_prompt or given.voice_prompt or given.seed is not None:
        raise TalkProblem(
            "The study decides how the engine is conditioned, and it hears in real time: leave out "
            "--fast, --seed, prompts, temperatures and top-k.",
            TalkProblem.REFUSED,
        )
    take = await start_take(link, Choice(given.engine, given.voice), context)
    return WebLink(await dial(take.socket, context, origin=take.origin))


async def _slot(url: str, given: Arguments, context: ssl.SSLContext, engine: str) -> Link:
    token = given.token
    if not token:
        secret = _secret()
        if not secret:
            raise TalkProblem("This door needs the worker's secret: set WORKER_SECRET.", TalkProblem.REFUSED)
        token = sign(SLOT, _request(given, engine), secret)
    return SlotLink(await dial(url, context, token=token))


async def _chat(url: str, given: Arguments, context: ssl.SSLContext) -> Link:
    asked: dict[str, Any] = {
        "token": given.token,
        "engine": given.engine,
        "voice": given.voice,
        **dict.fromkeys(SEEDS, given.seed),
        **{CHAT_NAMES[name]: value for name, value in given.options.items()},
    }
    prompts = {"text_prompt": given.text_prompt, "voice_prompt": given.voice_prompt}  # PersonaPlex wants both, always
    query = urlencode(prompts | {name: value for name, value in asked.items() if value not in ("", None)})
    return ChatLink(await dial(f"{url}{'&' if '?' in url else '?'}{query}", context))


def _request(given: Arguments, engine: str) -> SlotRequest:
    """Raises TalkProblem."""
    seed = secrets.randbelow(2**31) if given.seed is None else given.seed
    preset = PRESETS.get(given.voice or OWN_VOICE)
    if preset is None:
        raise TalkProblem(
            f"There is no voice called {given.voice!r}; known: {', '.join(PRESETS)}.", TalkProblem.REFUSED
        )
    return SlotRequest(
        take=f"talk-{secrets.token_hex(8)}",
        engine=given.engine or engine,
        options=given.options,
        text_prompt=given.text_prompt,
        voice_prompt=given.voice_prompt,
        seed=seed,
        voices=(VoiceSegment(preset.converter, parameters=preset.parameters, seed=seed),),
    )


async def _who_is_there(site: str, context: ssl.SSLContext) -> Any:
    """Returns what `/healthz` answers, if anything."""
    try:
        async with httpx.AsyncClient(verify=context, timeout=ASK_SEC, trust_env=False) as http:
            return (await http.get(f"{site}/healthz")).json()
    except ValueError:
        return None
    except httpx.TransportError as error:
        raise TalkProblem(unreachable(site, error), TalkProblem.UNREACHABLE) from None


def _secret() -> str:
    """Returns the workers' secret if this machine has it, and otherwise ""."""
    try:
        return WorkerSettings.read({**os.environ, "WORKER_ENGINES": ""}).worker_secret
    except WrongSettings:
        return ""
