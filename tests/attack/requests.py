"""Nonsense over HTTP: paths, queries, headers, forms and JSON that no browser sends. Each gets an answer below 500, and
the web is alive afterwards."""

from __future__ import annotations

import json
import random
from typing import Any, Final

import httpx

from tests.attack.tally import Tally
from tests.attack.target import Target, csrf, posted

TRIES: Final = 400
ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    2**70,
    1e308,
    "",
    "\x00",
    "x" * 70_000,
    "\u202e<script>",
    "e\u0301" * 200,
    "=1+1",
    "../../etc/passwd",
    "' OR 1=1 --",
    "(a+)+$",
    [],
    [[]],
    {},
    {"": {"": {}}},
)
LITERALS: Final = (b"NaN", b"Infinity", b'{"a":1,"a":2}', b'"\\ud800"', b"[" * 5_000, b"\xff\xfe", b"1" * 5_000)
FIELDS: Final = (
    "answers",
    "item",
    "value",
    "client_id",
    "questionnaire",
    "epoch",
    "position",
    "pair",
    "take_over",
    "go_on",
)
HEADERS: Final = (
    {"Host": "evil.example"},
    {"Content-Length": "-1"},
    {"Content-Type": "application/json; charset=no-such"},
    {"Content-Type": "multipart/form-data"},
    {"Accept-Language": "x" * 4_000},
    {"Range": "bytes=9-1,-0,99999999999999999999-"},
    {"If-Modified-Since": "yesterday"},
    {"Cookie": "sessionid=" + "a" * 3_000},
    {"X-Forwarded-For": "1.2.3.4, not-an-address"},
)


async def attack(target: Target, tally: Tally) -> None:
    chance = target.chance
    addresses = target.seeded["addresses"]
    with target.role("researcher") as http:
        for _ in range(TRIES):
            address = chance.choice(addresses)
            if "logout" in address or "withdraw" in address:
                continue
            what, answer = _one(chance, http, address, target)
            tally.holds(answer is not None and answer.status_code < 500, f"{what}: {answer and answer.status_code}")
    tally.holds(await target.alive(), "the web answers no more")


def _one(chance: random.Random, http: httpx.Client, address: str, target: Target) -> tuple[str, httpx.Response | None]:
    match chance.randrange(5):
        case 0:
            query = {chance.choice(("q", "page", "p", "o", "all", "language", "e")): str(chance.choice(ODD))[:2_000]}
            return _sent(f"GET {address} {str(query)[:80]}", lambda: http.get(address, params=query))
        case 1:
            headers = chance.choice(HEADERS)
            return _sent(f"GET {address} {str(headers)[:80]}", lambda: http.get(address, headers=headers))
        case 2:
            path = address.replace(
                chance.choice([part for part in address.split("/") if part] or ["/"]), _odd_part(chance), 1
            )
            return _sent(f"GET {path[:80]}", lambda: http.get(path))
        case 3:
            body = chance.choice(LITERALS)
            kind = {"Content-Type": "application/json"}
            return _sent(
                f"POST {address} {body[:40]!r}",
                lambda: http.post(address, content=body, headers={**kind, "X-CSRFToken": csrf(http)}),
            )
        case _:
            address = chance.choice(
                [address, f"/p/{target.seeded['token']}/answers/", f"/p/{target.seeded['token']}/check/attempts/"]
            )
            content = json.loads(json.dumps({name: chance.choice(ODD) for name in chance.sample(FIELDS, 4)}))
            return _sent(f"POST {address} {str(content)[:120]}", lambda: posted(http, address, json=content))


def _odd_part(chance: random.Random) -> str:
    return chance.choice(
        ("%00", "%FF%FE", "..%2f..", "a" * 3_000, "99999999999999999999", "%F0%9F%98%80", "-1", "%E2%80%AE")
    )


def _sent(what: str, send: Any) -> tuple[str, httpx.Response | None]:
    try:
        answer: httpx.Response = send()
    except (httpx.InvalidURL, httpx.LocalProtocolError):
        return what, httpx.Response(400)  # the client itself refuses to send it
    except httpx.RemoteProtocolError:
        return what, httpx.Response(400)  # the server closed the connection on it, as it may
    except httpx.TransportError as error:
        return f"{what} {type(error).__name__}", None
    return what, answer
