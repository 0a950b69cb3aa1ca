"""Which server, with which key, in which dialect: read from the environment, checked, and never shown with the key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from inference.contract.errors import EngineUnavailable
from inference.engines.openai_realtime.dialects import BETA, GA, UNMUTE, Dialect
from inference.remote.address import check_url, is_private

NAME: Final = "openai_realtime"
URL: Final = "wss://api.openai.com/v1/realtime"
MODEL: Final = "gpt-realtime"
AZURE_PREVIEW: Final = "2025-04-01-preview"
AZURE_HOSTS: Final = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
DIALECTS: Final = ("auto", "openai", "azure", "beta", "unmute")
MODEL_PARAMETERS: Final = ("model", "deployment")  # of an address


@dataclass(frozen=True, slots=True)
class RealtimeSettings:
    """`dialect` is None where the server's first event will tell. `models` is what a study may ask for, the first one
    when it does not; empty for a server that has one. `transcription` is the model that writes down the participant."""

    url: str
    kind: str  # of DIALECTS
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


def read_settings(settings: Mapping[str, str]) -> RealtimeSettings:
    """Raises EngineUnavailable, naming the setting."""
    url = settings.get("OPENAI_REALTIME_URL", "").strip() or URL
    try:
        check_url(url)
    except ValueError as error:
        raise _wrong(f"OPENAI_REALTIME_URL {error}", f"Set it to an address like {URL}, or leave it out.") from None
    kind = _kind(settings.get("OPENAI_REALTIME_DIALECT", "").strip().lower() or "auto", url)
    url, named = _whole_address(url, kind)
    dialect = _dialect(kind, url)
    transcription = settings.get("OPENAI_REALTIME_TRANSCRIPTION", "").strip()
    return RealtimeSettings(
        url,
        kind,
        dialect,
        _models(settings, kind, named),
        ""
        if transcription == "none"
        else transcription or ("whisper-1" if dialect is BETA else "gpt-4o-mini-transcribe"),
        _headers(settings.get("OPENAI_REALTIME_KEY", "").strip(), kind, dialect, url),
    )


def _kind(kind: str, url: str) -> str:
    if kind not in DIALECTS:
        raise _wrong(f"OPENAI_REALTIME_DIALECT is {kind!r}", f"Set it to one of {', '.join(DIALECTS)}.")
    host = urlsplit(url).hostname or ""
    if kind != "auto":
        return kind
    if host == "api.openai.com" or host.endswith(".api.openai.com"):
        return "openai"
    return "azure" if host.endswith(AZURE_HOSTS) else "auto"


def _whole_address(url: str, kind: str) -> tuple[str, tuple[str, ...]]:
    """With its path, without a model; and the model that it named."""
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


def _models(settings: Mapping[str, str], kind: str, named: tuple[str, ...]) -> tuple[str, ...]:
    given = tuple(filter(None, re.split(r"[\s,]+", settings.get("OPENAI_REALTIME_MODEL", "")))) or named
    if kind == "unmute":
        return ()
    if kind == "azure" and not given:
        raise _wrong("OPENAI_REALTIME_MODEL is not set", "Set it to the name of your deployment on Azure.")
    return tuple(dict.fromkeys(given)) or ((MODEL,) if kind == "openai" else ())


def _headers(key: str, kind: str, dialect: Dialect | None, url: str) -> dict[str, str]:
    private = is_private(url)
    if not key:
        if kind in ("openai", "azure") or (kind != "unmute" and not private):
            raise _wrong("OPENAI_REALTIME_KEY is not set", "Set it to a key of that server's operator.")
        return {}
    if not key.isascii() or not key.isprintable() or " " in key:
        raise _wrong("OPENAI_REALTIME_KEY has signs in it that no key has", "Set it to the key alone.")
    if not private and not url.startswith("wss:"):
        raise _wrong(
            "OPENAI_REALTIME_URL would send the key and the voices in the clear", "Set it to an address with wss://."
        )
    if kind == "azure":
        return {"api-key": key}
    return {"Authorization": f"Bearer {key}"} | ({"OpenAI-Beta": "realtime=v1"} if dialect is BETA else {})


def _wrong(reason: str, remedy: str) -> EngineUnavailable:
    return EngineUnavailable(NAME, reason, remedy)
