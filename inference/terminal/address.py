"""Finds out what an address leads to and opens a link to it."""

from __future__ import annotations

import argparse
import ipaddress
import os
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

import httpx

from inference.contract.presets import PRESETS
from inference.contract.settings import WrongSettings
from inference.contract.tokens import SLOT, SlotRequest, VoiceSegment, sign
from inference.terminal.chat import ChatLink
from inference.terminal.dialing import Link, TalkProblem, dial, tls, unreachable
from inference.terminal.site import Choice, start_take
from inference.terminal.slot import SlotLink, WebLink
from inference.worker.settings import WorkerSettings

DEFAULT_URL: Final = "ws://127.0.0.1:8700"
ADDRESSES: Final = """
what URL can be:
  ws://host:8700               an inference worker: by /slot with WORKER_SECRET (on this machine it is known), else
                               by /api/chat
  ws://host:8998               a Moshi server (python -m moshi.server, moshi-backend, PersonaPlex): /api/chat
  https://site/p/<token>/...   your link in a study on a Hear Me Out site; consent and device check come first, there
  ws://host/api/chat           exactly this

examples:
  python -m inference.terminal
  python -m inference.terminal --engine moshi --voice higher --temperature 0.7
  python -m inference.terminal --in question.wav --out answer.wav ws://localhost:8998

exit status: 0 the talk ended, 1 it broke off, 2 the command is wrong, 3 nobody answers there, 4 refused,
5 no microphone, loudspeaker or file
"""
CHAT_PATH: Final = "/api/chat"
SLOT_PATH: Final = "/slot"
SESSION_PATH: Final = "/p/"
ASK_SEC: Final = 5.0
OWN_VOICE: Final = "natural"
# names of the options in a chat address
CHAT_NAMES: Final = {
    "temperature": "audio_temperature",
    "top_k": "audio_topk",
    "text_temperature": "text_temperature",
    "text_top_k": "text_topk",
}
SEEDS: Final = ("seed", "text_seed", "audio_seed")  # PersonaPlex has one, Moshi's server in Rust the other two
PROTOCOLS: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
PAGES: Final = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments as given, with "" or None for those that were not."""

    url: str
    token: str
    engine: str
    voice: str
    text_prompt: str
    voice_prompt: str
    seed: int | None
    options: dict[str, float]
    question: Path | None
    answer: Path | None
    after_sec: float
    fast: bool
    certificate: Path | None
    insecure: bool


def read_arguments(argv: Sequence[str] | None = None) -> Arguments:
    """Reads the command line. If it is wrong, prints the error and exits with status 2."""
    parser = argparse.ArgumentParser(
        prog="python -m inference.terminal",
        description="Have a conversation in a terminal with an inference worker, a study's site or a Moshi server.",
        epilog=ADDRESSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", nargs="?", default=DEFAULT_URL, metavar="URL", help=f"default: {DEFAULT_URL}")
    parser.add_argument("--token", default="", help="a session's token on a site, or a worker's slot token")
    who = parser.add_argument_group("with whom, and as whom")
    who.add_argument("--engine", default="", help="an engine of the worker, or one that an explore study offers")
    who.add_argument("--voice", default="", help=f"the voice in which you are heard: {', '.join(PRESETS)}")
    who.add_argument("--text-prompt", default="", help="the persona, if the engine has one")
    who.add_argument("--voice-prompt", default="", help="the agent's voice, if the engine has one")
    who.add_argument("--seed", type=int)
    for name, kind, about in (
        ("temperature", float, "of the sound, or of the cascade's language model"),
        ("top-k", int, "of the sound"),
        ("text-temperature", float, "of the words"),
        ("text-top-k", int, "of the words"),
    ):
        who.add_argument(f"--{name}", type=kind, help=about)
    sound = parser.add_argument_group("sound (default: microphone and loudspeaker)")
    sound.add_argument("--in", dest="question", type=Path, metavar="FILE", help="say this recording instead")
    sound.add_argument("--out", dest="answer", type=Path, metavar="FILE", help="save the answer as a WAV file")
    sound.add_argument(
        "--after", dest="after_sec", type=float, default=10.0, metavar="SEC",
        help="silence after the recording, to hear the answer (default: 10)",
    )  # fmt: skip
    sound.add_argument("--fast", action="store_true", help="send the recording as fast as the server accepts it")
    secure = parser.add_argument_group("wss:// and https://")
    secure.add_argument("--certificate", type=Path, metavar="FILE", help="trust this certificate (PEM)")
    secure.add_argument("--insecure", action="store_true", help="trust any certificate")
    given = parser.parse_args(argv)
    if given.fast and not given.question:
        parser.error("--fast needs a recording: --in FILE")
    if not 0 <= given.after_sec <= 3_600:
        parser.error("--after must be from 0 to 3600 seconds")
    if given.voice and given.voice not in PRESETS and "/p/" not in given.url and not given.url.startswith("http"):
        parser.error(f"there is no voice called {given.voice!r}; known: {', '.join(PRESETS)}")
    return Arguments(**_as_fields(vars(given)))


def _as_fields(given: dict[str, Any]) -> dict[str, Any]:
    names = ("temperature", "top_k", "text_temperature", "text_top_k")
    options = {name: given.pop(name) for name in names}
    return {**given, "options": {name: value for name, value in options.items() if value is not None}}


async def open_link(given: Arguments) -> Link:
    """Connects to what the address leads to. Raises TalkProblem."""
    url = given.url if "://" in given.url else f"ws://{given.url}"
    parts = _split(url)
    if parts is None:
        raise TalkProblem(f"{given.url} is not the address of a server; see --help.", TalkProblem.REFUSED)
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
                    "This is a study's site: give the link to your session (.../p/<token>/), or its --token.",
                    TalkProblem.REFUSED,
                )
            return await _web(f"{site}{SESSION_PATH}{given.token}/", given, context)
        case {"ready": _, "engines": [first, *_], "address": worker} if given.token or _secret(parts.hostname or ""):
            return await _slot(server + SLOT_PATH, given, context, str(first), str(worker))
        case {"ready": _}:
            return await _chat(server + CHAT_PATH, given, context, tells=True)
    if given.engine or given.voice:
        raise TalkProblem(
            "This server is not an inference worker of Hear Me Out: it has one engine and no voices. "
            "Leave out --engine and --voice.",
            TalkProblem.REFUSED,
        )
    return await _chat(server + CHAT_PATH, given, context)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


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


async def _slot(url: str, given: Arguments, context: ssl.SSLContext, engine: str, worker: str) -> Link:
    """`worker` is the address that the worker reports, for which the token is signed."""
    token = given.token or sign(SLOT, _request(given, engine), _secret(urlsplit(url).hostname or ""), to=worker)
    try:
        return SlotLink(await dial(url, context, token=token))
    except TalkProblem as problem:
        if given.token or problem.http_status != HTTPStatus.UNAUTHORIZED:
            raise
        # the secret that this machine keeps is another worker's
        return await _chat(url.removesuffix(SLOT_PATH) + CHAT_PATH, given, context, tells=True)


async def _chat(url: str, given: Arguments, context: ssl.SSLContext, *, tells: bool = False) -> Link:
    """`tells`: the server says which of the options it does not use, as our own workers do."""
    asked: dict[str, Any] = {
        "token": given.token,
        "engine": given.engine,
        "voice": given.voice,
        **dict.fromkeys(SEEDS, given.seed),
        **{CHAT_NAMES[name]: value for name, value in given.options.items()},
    }
    prompts = {"text_prompt": given.text_prompt, "voice_prompt": given.voice_prompt}  # PersonaPlex requires both
    query = urlencode(prompts | {name: value for name, value in asked.items() if value not in ("", None)})
    socket = await dial(f"{url}{'&' if '?' in url else '?'}{query}", context)
    return ChatLink(socket, () if tells else _conditions(given))


def _conditions(given: Arguments) -> tuple[str, ...]:
    """Returns the arguments with which a server may do nothing without saying so."""
    named: dict[str, object] = {
        "--seed": given.seed,
        "--text-prompt": given.text_prompt,
        "--voice-prompt": given.voice_prompt,
    }
    named |= {f"--{name.replace('_', '-')}": value for name, value in given.options.items()}
    return tuple(name for name, value in named.items() if value not in ("", None))


def _request(given: Arguments, engine: str) -> SlotRequest:
    """Returns the slot request for these arguments. Raises TalkProblem."""
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
    """Returns the JSON that `/healthz` answers, or None if it answers something else. Raises TalkProblem."""
    try:
        async with httpx.AsyncClient(verify=context, timeout=ASK_SEC, trust_env=False) as http:
            answer = await http.get(f"{site}/healthz")
    except httpx.ReadTimeout:  # a Moshi server computes between two messages, and may be long about it
        return None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise TalkProblem(unreachable(site, error), TalkProblem.UNREACHABLE) from None
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def _secret(host: str) -> str:
    """Returns the secret of the workers at `host` if it is known here, and otherwise "".

    The one that this machine keeps in a file belongs to its own workers; for those elsewhere it must be named."""
    if not (is_loopback(host) or "WORKER_SECRET" in os.environ):
        return ""
    try:
        return WorkerSettings.read({**os.environ, "WORKER_ENGINES": ""}).worker_secret
    except WrongSettings:
        return ""
