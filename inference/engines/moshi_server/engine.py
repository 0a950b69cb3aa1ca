"""The engine `moshi_server`: rows are conversations with remote servers of Moshi's protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.errors import RemoteLost
from inference.contract.settings import Settings
from inference.engines.base import SlotConfig
from inference.engines.moshi_server.addresses import Leases, Server, read_servers, snapshot_of
from inference.engines.moshi_server.session import MoshiSession, Patience, probe
from inference.engines.remote.engine import RemoteEngine
from inference.remote import ThirdParty, Trust, is_third_party


class MoshiServerSettings(Settings):
    """The settings of the engine. Addresses may hold credentials, so `urls` is kept out of representations."""

    model_config = SettingsConfigDict(env_prefix="MOSHI_SERVER_")

    urls: str = Field(
        "",
        repr=False,
        description="Servers of the engine `moshi_server`: `wss://host:8998/api/chat`, "
        "`personaplex+wss://host;slots=1`, with spaces between.",
    )
    certificate: Path | None = Field(
        None, description="PEM file of the only certificates trusted there; empty for the public authorities."
    )
    handshake_sec: float = Field(
        15, gt=0, le=600, description="How long such a server may take to begin; then it counts as busy."
    )
    silent_sec: float = Field(
        10, gt=0, le=600, description="How long it may leave what it hears unanswered; then it counts as dead."
    )
    third_party: ThirdParty = Field(
        None,
        description="`yes` or `no`: are they somebody else's? Empty for yes beyond this machine and its networks.",
    )

    @field_validator("urls")
    @classmethod
    def _servers(cls, urls: str) -> str:
        expected = "addresses like wss://host:8998/api/chat (see docs/operators/remote-engines.md)"
        urls = urls.strip(" \t\r\n,")
        if not urls:
            raise ValueError(expected)
        try:
            servers = read_servers(urls)
        except ValueError as error:
            raise ValueError(f"{expected}; {error}") from None
        if len({server.url for server in servers}) < len(servers):
            raise ValueError(f"{expected}, each named once; add ;slots=2 for two takes at once")
        return urls

    @field_validator("certificate")
    @classmethod
    def _readable(cls, file: Path | None) -> Path | None:
        return Trust.readable(file)

    @property
    def servers(self) -> tuple[Server, ...]:
        return read_servers(self.urls)

    @property
    def trust(self) -> Trust | None:
        return Trust.read(self.certificate) if self.certificate else None

    @property
    def is_third_party(self) -> bool:
        """Whether the servers belong to a third party."""
        return is_third_party(self.third_party, *(server.url for server in self.servers))


class MoshiServerEngine(RemoteEngine):
    """An engine with as many slots as its servers have together, or fewer if fewer are requested."""

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
        """Checks that every server answers; a busy one does. Raises EngineUnavailable."""
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
