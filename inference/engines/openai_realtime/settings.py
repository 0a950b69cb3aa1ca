"""The engine's settings: which server, with which key, in which dialect. The key is never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.settings import Settings
from inference.engines.openai_realtime.dialects import BETA, GA, UNMUTE, Dialect
from inference.remote import check_url, is_private

NAME: Final = "openai_realtime"
URL: Final = "wss://api.openai.com/v1/realtime"
MODEL: Final = "gpt-realtime"
AZURE_PREVIEW: Final = "2025-04-01-preview"
AZURE_HOSTS: Final = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
MODEL_PARAMETERS: Final = ("model", "deployment")  # query parameters of an address


class OpenAIRealtimeSettings(Settings):
    """The settings of the engine. The address may hold credentials, so it is kept out of representations."""

    model_config = SettingsConfigDict(env_prefix="OPENAI_REALTIME_")

    url: str = Field(URL, repr=False, description="Server of the engine `openai_realtime`; OpenAI's unless it is set.")
    dialect: Annotated[
        Literal["auto", "openai", "azure", "beta", "unmute"], BeforeValidator(lambda value: str(value).lower())
    ] = Field("auto", description="`openai`, `azure`, `beta` (the preview protocol), `unmute`, or `auto`.")
    model: str = Field(
        "", description="Models that studies may ask for, the default first; a deployment's name on Azure."
    )
    key: str = Field("", repr=False, description="Its key; only the inference worker needs it.")
    transcription: str = Field(
        "", description="Its model that writes down the participant; `none` for no transcript; empty for its usual one."
    )

    @field_validator("url")
    @classmethod
    def _socket(cls, url: str) -> str:
        try:
            check_url(url)
        except ValueError as error:
            raise ValueError(f"an address like {URL}; it {error}") from None
        return url

    @field_validator("model")
    @classmethod
    def _of_a_deployment(cls, model: str, info: ValidationInfo) -> str:
        if {"url", "dialect"} <= info.data.keys():
            kind = _kind(info.data["dialect"], info.data["url"])
            if kind == "azure" and not _names(model) and not _whole_address(info.data["url"], kind)[1]:
                raise ValueError("the name of your deployment on Azure")
        return model

    @field_validator("key")
    @classmethod
    def _fit_to_be_sent(cls, key: str, info: ValidationInfo) -> str:
        if not {"url", "dialect"} <= info.data.keys():
            return key
        url: str = info.data["url"]
        kind = _kind(info.data["dialect"], url)
        private = is_private(url)
        if not key and (kind in ("openai", "azure") or (kind != "unmute" and not private)):
            raise ValueError("a key of that server's operator")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("the key alone: it has signs in it that no key has")
        if key and not private and not url.startswith("wss:"):
            raise ValueError(
                "a key that is sent over wss:// only: OPENAI_REALTIME_URL would send it and the voices in the clear"
            )
        return key


@dataclass(frozen=True, slots=True)
class RealtimeServer:
    """A server. `dialect` is None where the server's first event will reveal it. `models` are those that a study may
    ask for, the default first; empty for a server with a single model. `transcription` is the model that transcribes
    the participant."""

    url: str
    kind: str  # the dialect setting, with auto resolved where the address allows it
    dialect: Dialect | None
    models: tuple[str, ...]
    transcription: str
    headers: Mapping[str, str] = field(repr=False)

    def address(self, model: str) -> str:
        """The server's address for a conversation with `model`."""
        if not model:
            return self.url
        parts = urlsplit(self.url)
        name = "deployment" if self.kind == "azure" and self.dialect is BETA else "model"
        return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query, True), (name, model)])))


def read_server(environ: Mapping[str, str]) -> RealtimeServer:
    """Reads the server from the settings. Raises EngineUnavailable, naming the wrong setting."""
    settings = OpenAIRealtimeSettings.read_for(NAME, environ)
    kind = _kind(settings.dialect, settings.url)
    url, named = _whole_address(settings.url, kind)
    dialect = _dialect(kind, url)
    usual = "whisper-1" if dialect is BETA else "gpt-4o-mini-transcribe"
    return RealtimeServer(
        url,
        kind,
        dialect,
        _models(_names(settings.model) or named, kind),
        "" if settings.transcription == "none" else settings.transcription or usual,
        _headers(settings.key, kind, dialect),
    )


def _kind(kind: str, url: str) -> str:
    host = urlsplit(url).hostname or ""
    if kind != "auto":
        return kind
    if host == "api.openai.com" or host.endswith(".api.openai.com"):
        return "openai"
    return "azure" if host.endswith(AZURE_HOSTS) else "auto"


def _whole_address(url: str, kind: str) -> tuple[str, tuple[str, ...]]:
    """Completes the path of an address and removes the models that it names; returns the address and these models."""
    parts = urlsplit(url)
    default = "/openai/v1/realtime" if kind == "azure" else "/v1/realtime"
    query = parse_qsl(parts.query, True)
    named = tuple(value for name, value in query if name in MODEL_PARAMETERS and value)
    kept = [(name, value) for name, value in query if name not in MODEL_PARAMETERS]
    path = parts.path if parts.path.strip("/") else default
    if kind == "azure" and "/v1/" not in path and "api-version" not in dict(kept):
        kept.append(("api-version", AZURE_PREVIEW))
    return urlunsplit(parts._replace(path=path, query=urlencode(kept))), named


def _dialect(kind: str, url: str) -> Dialect | None:
    match kind:
        case "openai":
            return GA
        case "azure":
            return GA if "/v1/" in urlsplit(url).path else BETA
        case "beta":
            return BETA
        case "unmute":
            return UNMUTE
    return None


def _names(models: str) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[\s,]+", models)))


def _models(given: tuple[str, ...], kind: str) -> tuple[str, ...]:
    if kind == "unmute":
        return ()
    return tuple(dict.fromkeys(given)) or ((MODEL,) if kind == "openai" else ())


def _headers(key: str, kind: str, dialect: Dialect | None) -> dict[str, str]:
    if not key:
        return {}
    if kind == "azure":
        return {"api-key": key}
    return {"Authorization": f"Bearer {key}"} | ({"OpenAI-Beta": "realtime=v1"} if dialect is BETA else {})
