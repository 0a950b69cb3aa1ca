"""Every role at every address by every method: nothing breaks, and nobody reads what is not theirs.

A participant's link is the right to what lies under it; without it, and without a permission, none of what was seeded
may be seen anywhere. Lists of the admin are also asked to filter by what should not be filtered by."""

from __future__ import annotations

import socket
from typing import Any, Final

import httpx

from tests.attack.tally import Tally
from tests.attack.target import PATIENCE_SEC, Target, posted

MAY_READ: Final = {"researcher", "superuser"}
MAY_SEE_SESSIONS: Final = {*MAY_READ, "viewer"}
ROLES: Final = ("anonymous", "staff", "viewer", "researcher", "superuser")
LISTS: Final = {
    "session": "token",
    "participant": "sessions__token",
    "take": "trial__session__token",
    "study": "participants__sessions__token",
}
LOOKUPS: Final = ("startswith", "regex", "contains", "gte")
ENDING: Final = ("logout", "delete", "withdraw")  # these would end what the others need


async def attack(target: Target, tally: Tally) -> None:
    for role in ROLES:
        with target.role(role) as http:
            for address in target.seeded["addresses"]:
                if not any(word in address for word in ENDING):
                    _read(target, http, role, address, tally)
                    _write(http, role, address, tally)
    for role in ("viewer", "researcher"):
        with target.role(role) as http:
            _filters(target, http, role, tally)


def _read(target: Target, http: httpx.Client, role: str, address: str, tally: Tally) -> None:
    answer = http.get(address)
    where = f"{role} GET {_plain(target, address)}"
    tally.holds(answer.status_code < 500, f"{where}: {answer.status_code}")
    under_link = target.seeded["token"] in address
    for name, secret in target.seeded["secrets"].items():
        may = role in (MAY_READ if name == "words" else MAY_SEE_SESSIONS) or under_link
        if not may:
            tally.holds(secret not in answer.text, f"{where}: shows the {name}")
    status, body = _head(http, address)
    tally.holds(status < 500 and not body, f"{role} HEAD {_plain(target, address)}: {status}, {len(body)} bytes")


def _head(http: httpx.Client, address: str) -> tuple[int, bytes]:
    """Status and whatever follows the headers, which a client would take for the beginning of its next answer."""
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in http.cookies.jar)
    headers = (f"Host: {http.base_url.netloc.decode()}", f"Cookie: {cookies}", "Connection: close")
    asked = "\r\n".join((f"HEAD {address} HTTP/1.1", *headers, "", ""))
    with socket.create_connection((http.base_url.host, http.base_url.port or 80), timeout=PATIENCE_SEC) as connection:
        connection.sendall(asked.encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def _write(http: httpx.Client, role: str, address: str, tally: Tally) -> None:
    bodies: tuple[dict[str, Any], ...] = ({"json": {}}, {"data": {}}, {"content": b"\x00\xff{"})
    for sent in bodies:
        answer = posted(http, address, **sent)
        tally.holds(answer.status_code < 500, f"{role} POST {sent} {address}: {answer.status_code}")
    bare = httpx.post(http.base_url.join(address), json={}, timeout=http.timeout)
    tally.holds(bare.status_code >= 400 or bare.is_redirect, f"POST without a cookie {address}: {bare.status_code}")


def _filters(target: Target, http: httpx.Client, role: str, tally: Tally) -> None:
    """A list must not tell whether a secret begins with what was guessed."""
    for model, path in LISTS.items():
        for lookup in LOOKUPS:
            key, secret = f"{path}__{lookup}", target.seeded["token"]
            right, wrong = (
                http.get(f"/admin/studies/{model}/", params={key: guess}) for guess in (secret[:6], "no-such-token")
            )
            where = f"{role} filters {model} by {key}"
            tally.holds(right.status_code < 500 and wrong.status_code < 500, f"{where}: {right.status_code}")
            told = (right.status_code, len(right.history)) != (wrong.status_code, len(wrong.history))
            rows = right.text.count("<tr") != wrong.text.count("<tr")
            tally.holds(not told and not rows, f"{where}: the answer tells whether it was right")


def _plain(target: Target, address: str) -> str:
    return address.replace(target.seeded["token"], "TOKEN").replace(target.seeded["take"], "TAKE")
