"""The engine `moshi_server`: rows are conversations with remote servers of Moshi's protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from inference.contract.errors import EngineUnavailable, RemoteLost
from inference.engines.base import SlotConfig
from inference.engines.moshi_server.addresses import Leases, Server, read_servers
from inference.engines.moshi_server.dialects import snapshot_of
from inference.engines.moshi_server.session import MoshiSession, Patience, probe
from inference.engines.remote.engine import RemoteEngine
from inference.remote.address import Trust, is_private

HANDSHAKE_SEC: Final = 15.0
SILENT_SEC: Final = 10.0


class MoshiServerEngine(RemoteEngine):
    """As many slots as the servers have together, or fewer if fewer are asked for."""

    NAME: ClassVar[str] = "moshi_server"
    LIVE: ClassVar[bool] = True

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        self._servers = _servers(settings)
        self._trust = _trust(settings)
        self._patience = Patience(
            _seconds(settings, "MOSHI_SERVER_HANDSHAKE_SEC", HANDSHAKE_SEC),
            _seconds(settings, "MOSHI_SERVER_SILENT_SEC", SILENT_SEC),
        )
        self._third_party = _third_party(settings, self._servers)
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


def _servers(settings: Mapping[str, str]) -> tuple[Server, ...]:
    text = settings.get("MOSHI_SERVER_URLS", "").strip(" \t\r\n,")
    remedy = "Set MOSHI_SERVER_URLS to addresses like wss://host:8998/api/chat; see docs/operators/remote-engines.md."
    if not text:
        raise EngineUnavailable(MoshiServerEngine.NAME, "MOSHI_SERVER_URLS is not set", remedy)
    try:
        servers = read_servers(text)
    except ValueError as error:
        raise EngineUnavailable(MoshiServerEngine.NAME, f"MOSHI_SERVER_URLS: {error}", remedy) from None
    if len({server.url for server in servers}) < len(servers):
        raise EngineUnavailable(
            MoshiServerEngine.NAME, "MOSHI_SERVER_URLS names an address twice", "Use ;slots=2 for two takes at once."
        )
    return servers


def _trust(settings: Mapping[str, str]) -> Trust | None:
    file = settings.get("MOSHI_SERVER_CERTIFICATE", "").strip()
    if not file:
        return None
    try:
        return Trust.read(Path(file))
    except (OSError, ValueError) as error:
        raise EngineUnavailable(
            MoshiServerEngine.NAME,
            f"MOSHI_SERVER_CERTIFICATE cannot be read ({type(error).__name__})",
            "Name the PEM file of the server's certificate, the cert.pem beside its key.pem.",
        ) from None


def _seconds(settings: Mapping[str, str], name: str, default: float) -> float:
    text = settings.get(name, "").strip()
    try:
        seconds = float(text or default)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        raise EngineUnavailable(
            MoshiServerEngine.NAME, f"{name} is {text!r}", "Set it to seconds, above 0, at most 600."
        )
    return seconds


def _third_party(settings: Mapping[str, str], servers: tuple[Server, ...]) -> bool:
    answer = settings.get("MOSHI_SERVER_THIRD_PARTY", "").strip().lower()
    if answer not in {"", "yes", "no"}:
        raise EngineUnavailable(
            MoshiServerEngine.NAME, f"MOSHI_SERVER_THIRD_PARTY is {answer!r}", "Set it to yes or no, or leave it out."
        )
    return answer == "yes" if answer else not all(is_private(server.url) for server in servers)
