"""The addresses of the servers and the assignment of takes to them.

An address reads `[dialect+]ws[s]://[user:password@]host[:port][/path][?query][;slots=N]`; the path is /api/chat unless
it says otherwise, the dialect `python`, and N is 1: these servers talk with one person at a time. Several addresses
stand with spaces or commas between them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from inference.engines.moshi_server.dialects import DIALECTS, Dialect
from inference.remote.address import check_url, shown

PATH: Final = "/api/chat"
MAX_SLOTS: Final = 512


@dataclass(frozen=True, slots=True)
class Server:
    """`url` may hold credentials; `shown` does not."""

    url: str
    dialect: Dialect
    slots: int = 1

    @property
    def shown(self) -> str:
        return shown(self.url)


def read_servers(text: str) -> tuple[Server, ...]:
    """The setting's text -> its servers. Raises ValueError, saying which one (by its place) is wrong and why."""
    servers = []
    for place, entry in enumerate(re.split(r"[\s,]+", text.strip(" \t\r\n,")), 1):
        try:
            servers.append(_read_one(entry))
        except ValueError as error:
            raise ValueError(f"address {place} {error}") from None
    return tuple(servers)


def _read_one(entry: str) -> Server:
    address, *extras = entry.split(";")
    dialect, plus, url = address.partition("+")
    if not plus or "://" in dialect:
        dialect, url = "python", address
    if dialect not in DIALECTS:
        raise ValueError(f"has the dialect {dialect!r}; there are {', '.join(DIALECTS)}")
    check_url(url)
    slots = 1
    for extra in extras:
        name, _, value = extra.partition("=")
        if name != "slots" or not value.isdecimal() or not 1 <= int(value) <= MAX_SLOTS:
            raise ValueError(f"ends in {extra!r}; only slots=1 to slots={MAX_SLOTS} can stand there")
        slots = int(value)
    parts = urlsplit(url)
    return Server(
        urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else PATH)), DIALECTS[dialect], slots
    )


class Leases:
    """Rows and the servers that they talk with: each server has as many rows as slots, the least busy one is taken,
    of equals the one that has rested longest."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = servers
        self._by_row: dict[int, int] = {}
        self._last: dict[int, int] = dict.fromkeys(range(len(servers)), 0)
        self._leased = 0

    def take(self, row: int) -> Server:
        """There is one free as long as there are no more rows than slots."""
        busy = Counter(self._by_row.values())
        free = [place for place, server in enumerate(self._servers) if busy[place] < server.slots]
        place = min(free, key=lambda place: (busy[place] / self._servers[place].slots, self._last[place]))
        self._leased += 1
        self._last[place] = self._leased
        self._by_row[row] = place
        return self._servers[place]

    def give_back(self, row: int) -> None:
        self._by_row.pop(row, None)
