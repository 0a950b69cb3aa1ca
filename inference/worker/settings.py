"""What an inference worker reads from the environment, checked all at once."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from inference.contract.catalog import ENGINES

ROOT: Final = Path(__file__).resolve().parent.parent.parent
MIN_SECRET_CHARACTERS: Final = 32
CHAT_POLICIES: Final = ("off", "token", "open")
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")

Value = TypeVar("Value")


class EnvironmentProblem(Exception):
    """One line for every wrong variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """`secret` is the web's. `slots` None lets the engines choose. `address` is where the web reaches this worker;
    empty for `ws://` and the host and port it listens on; `name` likewise. `drain_sec`: how long a worker that stops
    keeps talks for others to fetch. `max_step_ms`: steps longer than that for a while let nobody new in."""

    secret: str
    engines: tuple[str, ...] = ("cascade",)
    slots: int | None = None
    web_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = 8700
    address: str = ""
    name: str = ""
    chat: str = "off"
    reconnect_grace_sec: float = 15.0
    drain_sec: float = 8.0
    max_step_ms: float = 80.0
    log_level: str = "INFO"


def read_environment(environ: Mapping[str, str]) -> WorkerSettings:
    """Raises EnvironmentProblem, with all that is wrong."""
    problems: list[str] = []

    def read(name: str, default: Value, parse: Callable[[str], Value], expected: str) -> Value:
        text = environ.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError:
            problems.append(f"{name}: should be {expected} (found {text!r})")
            return default

    default = WorkerSettings(secret="")
    production = environ.get("HEARMEOUT_MODE") == "production"
    settings = WorkerSettings(
        engines=read("WORKER_ENGINES", default.engines, _engines, f"among {', '.join(ENGINES)}, with commas between"),
        slots=read("WORKER_SLOTS", default.slots, _whole(1, 512), "a whole number from 1 to 512"),
        secret=environ.get("WORKER_SECRET", "") or ("" if production else _secret_of_this_machine(environ)),
        web_url=read("WEB_URL", default.web_url, _url("http", "https"), "http://host:port or https://host"),
        host=read("WORKER_HOST", default.host, str, "the address to listen on"),
        port=read("WORKER_PORT", default.port, _whole(0, 65_535), "a port"),
        address=read("WORKER_ADDRESS", default.address, _url("ws", "wss"), "ws://host:port or wss://host"),
        name=read("WORKER_NAME", default.name, _short, "80 characters at most"),
        chat=read("WORKER_CHAT", default.chat, _among(CHAT_POLICIES), f"one of {', '.join(CHAT_POLICIES)}"),
        reconnect_grace_sec=read("RECONNECT_GRACE_SEC", default.reconnect_grace_sec, _seconds, "seconds from 0 to 300"),
        drain_sec=read("WORKER_DRAIN_SEC", default.drain_sec, _number(0, 300), "seconds from 0 to 300"),
        max_step_ms=read(
            "WORKER_MAX_STEP_MS", default.max_step_ms, _number(0, 10_000), "milliseconds from 0 (no limit) to 10000"
        ),
        log_level=read("LOG_LEVEL", default.log_level, _among(LOG_LEVELS), f"one of {', '.join(LOG_LEVELS)}"),
    )
    if len(settings.secret) < MIN_SECRET_CHARACTERS:
        problems.append(f"WORKER_SECRET: should be the web's, {MIN_SECRET_CHARACTERS} characters or more")
    if problems:
        raise EnvironmentProblem(problems)
    return settings


def advertised_address(settings: WorkerSettings, port: int) -> str:
    """Where the web reaches a worker that listens on `port`."""
    if settings.address:
        return settings.address.rstrip("/")
    host = socket.gethostname() if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
    return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"


def _engines(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names or not set(names) <= set(ENGINES):
        raise ValueError(text)
    return names


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError(text)
        return number

    return parse


def _number(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        number = float(text)
        if not least <= number <= most:
            raise ValueError(text)
        return number

    return parse


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 300:
        raise ValueError(text)
    return seconds


def _short(text: str) -> str:
    if len(text) > 80:
        raise ValueError(text)
    return text


def _among(words: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(text)
        return text.rstrip("/")

    return parse


def _secret_of_this_machine(environ: Mapping[str, str]) -> str:
    """What the web made for all processes of one machine at its first start; "" before that."""
    file = Path(environ.get("DATA_DIR") or ROOT / "var") / "secrets.json"
    try:
        return str(json.loads(file.read_text())["worker_secret"])
    except (OSError, ValueError, KeyError):
        return ""
