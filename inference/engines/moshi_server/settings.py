"""Settings of the engine `moshi_server`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.settings import Settings
from inference.engines.moshi_server.addresses import Server, read_servers
from inference.remote.address import Trust, is_private


class MoshiServerSettings(Settings):
    """Addresses may hold credentials, so they are kept secret as a whole."""

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
    third_party: Annotated[
        Literal["yes", "no"] | None, BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
    ] = Field(
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
        """Whether the servers are somebody else's."""
        if self.third_party is None:
            return not all(is_private(server.url) for server in self.servers)
        return self.third_party == "yes"
