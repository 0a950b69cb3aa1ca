"""Settings of the converter `remote_vc`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.settings import Settings
from inference.remote.address import Trust, check_url


class RemoteVcSettings(Settings):
    """`url` is empty where there is no converter server."""

    model_config = SettingsConfigDict(env_prefix="REMOTE_VC_")

    url: str = Field(
        "", repr=False, description="Converter server for target voices, `ws://host:8800`; empty for none."
    )
    dialect: Literal["converter_server", "meanvc", "xvc"] = Field(
        "converter_server", description="How it is spoken to: `converter_server`, `meanvc` or `xvc`."
    )
    key: str = Field("", repr=False, description="Its key, if it asks for one.")
    certificate: Path | None = Field(None, description="PEM file of its certificate, if it signed its own.")
    margin_ms: int = Field(
        120, ge=0, le=2_000, description="Time for network and computing, part of the voice's latency."
    )

    @field_validator("url")
    @classmethod
    def _socket(cls, url: str) -> str:
        if url:
            try:
                check_url(url)
            except ValueError as error:
                raise ValueError(f"ws://host:port of a converter server; it {error}") from None
        return url

    @field_validator("certificate")
    @classmethod
    def _readable(cls, file: Path | None) -> Path | None:
        return Trust.readable(file)

    @property
    def trust(self) -> Trust | None:
        return Trust.read(self.certificate) if self.certificate else None
