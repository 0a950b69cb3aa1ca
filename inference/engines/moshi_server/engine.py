"""The engine `moshi_server`: rows are conversations with remote servers of Moshi's protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from inference.contract.errors import RemoteLost
from inference.engines.base import SlotConfig
from inference.engines.moshi_server.addresses import Leases
from inference.engines.moshi_server.dialects import snapshot_of
from inference.engines.moshi_server.session import MoshiSession, Patience, probe
from inference.engines.moshi_server.settings import MoshiServerSettings
from inference.engines.remote.engine import RemoteEngine


class MoshiServerEngine(RemoteEngine):
    """As many slots as the servers have together, or fewer if fewer are asked for."""

    NAME: ClassVar[str] = "moshi_server"
    LIVE: ClassVar[bool] = True

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        own = MoshiServerSettings.read_for(self.NAME, settings)
        self._servers = own.servers
        self._trust = own.trust
        self._patience = Patience(own.handshake_sec, own.silent_sec)
        self._third_party = own.is_third_party
        there_are = sum(server.slots for server in self._servers)
        super().__init__(min(slots or there_are, there_are), settings)
        self._leases = Leases(self._servers)
        self._gates = {server.url: asyncio.Semaphore(server.slots) for server in self._servers}

    def warm_up(self) -> None:
        """Every server must answer; one that is busy does."""
        calls = [
            self._thread.start(
                probe(server, server.dialect.address(server.url, SlotConfig()), self._patience, self._trust)
            )
            for server in self._servers
        ]
        for call in calls:
            try:
                call.result()
            except RemoteLost as lost:
                raise self.unavailable(
                    lost,
                    "Start that server, or correct MOSHI_SERVER_URLS (and MOSHI_SERVER_CERTIFICATE for its own TLS).",
                ) from None

    def check(self, config: SlotConfig) -> None:
        for dialect in {server.dialect.name: server.dialect for server in self._servers}.values():
            dialect.check(config)  # a take may get any of the servers

    def begin(self, slot: int, config: SlotConfig) -> MoshiSession:
        server = self._leases.take(slot)
        url = server.dialect.address(server.url, config)
        return MoshiSession(server, url, self._gates[server.url], self._patience, self._trust)

    def end(self, slot: int) -> None:
        self._leases.give_back(slot)

    def snapshot(self) -> dict[str, Any]:
        return {
            "name": self.NAME,
            "servers": [
                {"address": server.shown, "dialect": server.dialect.name, "slots": server.slots}
                for server in self._servers
            ],
            "dialects": {server.dialect.name: snapshot_of(server.dialect) for server in self._servers},
            "third_party": self._third_party,
        }
