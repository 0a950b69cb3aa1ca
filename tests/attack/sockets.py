"""Nonsense over the socket of a talk: the socket ends with a reason, and the next person talks as if nothing were."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any, Final

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from inference.contract import wire
from inference.contract.audio import UPLINK_SAMPLES
from tests.attack.tally import Tally
from tests.attack.target import PATIENCE_SEC, Target
from tests.e2e.browser_twin import BrowserTwin, noise_frame

TALKS: Final = 20
MESSAGES: Final = 20
INTERNAL_ERROR: Final = 1011


async def attack(target: Target, tally: Tally) -> None:
    for token in target.sessions(TALKS):
        await _talk(target, token, tally)
    await _strangers(target, tally)
    (token,) = target.sessions(1)
    over = await BrowserTwin(target.url, token).talk(0, 2.0)
    tally.holds(over.reason == "participant", f"a talk afterwards: {over}")


async def _talk(target: Target, token: str, tally: Tally) -> None:
    sent: list[bytes] = []
    async with httpx.AsyncClient(base_url=target.url, timeout=PATIENCE_SEC) as http:
        await http.get(f"/p/{token}/", follow_redirects=True)
        headers = {"X-CSRFToken": http.cookies.get("csrftoken") or "", "Origin": target.url, "Referer": target.url}
        start = (await http.post(f"/p/{token}/trials/0/takes/", headers=headers)).json()
    try:
        async with connect(_address(target, start["socketUrl"], start["ticket"]), origin=target.url) as socket:  # type: ignore[arg-type]
            for _ in range(MESSAGES):
                sent.append(message(target.chance))
                await socket.send(sent[-1])
            await socket.send(wire.encode(wire.Metadata("end", {})))
            async with asyncio.timeout(PATIENCE_SEC):
                async for _ in socket:
                    pass
            code = socket.close_code
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else None
    except TimeoutError:
        code = None
    tally.holds(code not in (None, INTERNAL_ERROR), f"closed with {code} after {[each[:24] for each in sent[-3:]]}")


async def _strangers(target: Target, tally: Tally) -> None:
    """Without a ticket, with a used or forged one, from another origin, or to somebody else's take: nobody gets in."""
    path = f"/ws/talk/{target.seeded['take']}/"
    for ticket in ("", "a.b.c", "x" * 5_000, "%00", json.dumps({"take": target.seeded["take"]})):
        for origin in (target.url, "https://evil.example", None):
            try:
                async with connect(_address(target, path, ticket), origin=origin, open_timeout=PATIENCE_SEC) as socket:  # type: ignore[arg-type]
                    async with asyncio.timeout(PATIENCE_SEC):
                        first = await socket.recv()
                        got_in = isinstance(first, bytes) and first[:1] != bytes([wire.Kind.ERROR])
            except (InvalidStatus, ConnectionClosed, OSError):
                got_in = False
            tally.holds(not got_in, f"got in with ticket {ticket[:20]!r} from {origin}")


def _address(target: Target, path: str, ticket: str) -> str:
    return str(httpx.URL(target.url.replace("http", "ws", 1) + path, params={"ticket": ticket}))


def message(chance: random.Random) -> bytes:
    """Anything: noise, a known kind with nonsense in it, a right message cut short, out of place or out of order."""
    kind = chance.choice(list(wire.Kind))
    right = wire.encode_audio(wire.Kind.PARTICIPANT, chance.randrange(2**32), chance.randrange(2**40), noise_frame(0))
    events: list[dict[str, Any]] = [
        {"event": "slip", "sample": -1, "slipped_samples": 2**70},
        {"event": "lost", "first": 2**40, "frames": 2**40},
        {"event": "mute", "muted": "yes", "sample": None},
        {"event": "device", "settings": {"x": ["y"] * 3_000}},
        {"event": "ended", "reason": "participant", "message": ""},
        {"event": "no such event"},
        {"event": "monitor", "level": 1e308},
    ]
    match chance.randrange(6):
        case 0:
            return chance.randbytes(chance.randrange(1, 2_000))
        case 1:
            return bytes([kind]) + chance.randbytes(chance.randrange(64))
        case 2:
            return right[: chance.randrange(1, len(right))]
        case 3:
            return right
        case 4:
            return bytes([wire.Kind.METADATA]) + json.dumps(chance.choice(events)).encode()
        case _:
            return wire.encode_audio(wire.Kind.PARTICIPANT, chance.randrange(3), UPLINK_SAMPLES, noise_frame(1))
