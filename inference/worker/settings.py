"""Settings of an inference worker.

`python -m inference.worker.settings` reports what is wrong with them and with those of the engines in WORKER_ENGINES;
if there is anything, it exits with status 2.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.catalog import CONVERTERS, ENGINES
from inference.contract.settings import (
    MIN_SECRET_CHARACTERS,
    ROOT,
    SECRETS_FILE,
    BothSides,
    LoadedEngines,
    Problem,
    Settings,
    WrongSettings,
    is_guessable,
    misspelt,
    settings_class,
    url_of,
)

REFUSAL: Final = "The inference worker cannot start, because of the environment:"


class WorkerSettings(BothSides, LoadedEngines):
    """`slots` None lets the engines choose. `address` is where the web reaches this worker; empty for `ws://` and the
    host and port that it listens on."""

    model_config = SettingsConfigDict(env_prefix="WORKER_")

    slots: int | None = Field(
        None, ge=1, le=512, description="Conversations an inference worker serves at once; empty: the engine chooses."
    )
    max_step_ms: float = Field(
        80,
        ge=0,
        le=10_000,
        description="While steps take longer than this, an inference worker lets nobody new in; 0 for no limit.",
    )
    drain_sec: float = Field(
        8,
        ge=0,
        le=300,
        description="How long an inference worker that stops keeps its conversations for others to continue.",
    )
    web_url: str = Field(
        "http://127.0.0.1:8000",
        validation_alias="WEB_URL",
        description="Where an inference worker reports its heartbeat.",
    )
    host: str = Field("127.0.0.1", description="Address an inference worker listens on.")
    port: int = Field(8_700, ge=0, le=65_535, description="Port of the inference worker.")
    address: str = Field("", description="Where the web reaches the worker; empty for `ws://` with its host and port.")
    name: str = Field("", description="What the worker is called on the start page; empty for host and port.")
    chat: Literal["off", "token", "open"] = Field(
        "off",
        description="Whom an inference worker lets in at `/api/chat`: nobody, holders of a slot token, or whoever "
        "reaches the port.",
    )

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        if not environ.get("WORKER_SECRET") and environ.get("HEARMEOUT_MODE") != "production":
            environ = {**environ, "WORKER_SECRET": secret_of_this_machine(environ)}
        return super().read(environ)

    @field_validator("worker_secret")
    @classmethod
    def _long_enough(cls, secret: str, info: ValidationInfo) -> str:
        if len(secret) < MIN_SECRET_CHARACTERS:
            raise ValueError(f"the web's, {MIN_SECRET_CHARACTERS} characters or more")
        if info.data.get("mode") == "production" and is_guessable(secret):
            raise ValueError("the web's, and random in production")
        return secret

    @field_validator("web_url")
    @classmethod
    def _page(cls, url: str) -> str:
        return url_of(("http", "https"), "http://host:port or https://host", url)

    @field_validator("address")
    @classmethod
    def _socket(cls, url: str) -> str:
        return url and url_of(("ws", "wss"), "ws://host:port or wss://host", url)

    @field_validator("name")
    @classmethod
    def _short(cls, name: str) -> str:
        if len(name) > 80:
            raise ValueError("80 characters at most")
        return name

    def advertised_address(self, port: int) -> str:
        """Returns the address at which the web reaches a worker that listens on `port`."""
        if self.address:
            return self.address
        host = socket.gethostname() if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"


def secret_of_this_machine(environ: Mapping[str, str]) -> str:
    """Returns WORKER_SECRET, or the secret that the web generated for this machine at its first start, or "" if there
    is neither."""
    if environ.get("WORKER_SECRET"):
        return environ["WORKER_SECRET"]
    file = Path(environ.get("DATA_DIR") or ROOT / "var") / SECRETS_FILE
    try:
        return str(json.loads(file.read_text())["worker_secret"])
    except (OSError, ValueError, KeyError):
        return ""


def read_settings(environ: Mapping[str, str]) -> WorkerSettings:
    """Returns the worker's settings. Raises WrongSettings with all problems, including those of engines and
    converters."""
    problems: dict[Problem, None] = {}
    try:
        engines = LoadedEngines.read(environ).engines
    except WrongSettings:
        engines = ()
    readers: list[type[Settings]] = [WorkerSettings, *_readers(engines)]
    for reader in readers:
        try:
            reader.read(environ)
        except WrongSettings as wrong:
            problems |= dict.fromkeys(wrong.problems)
    if problems:
        raise WrongSettings(problems)
    return WorkerSettings.read(environ)


def warnings(environ: Mapping[str, str]) -> Iterator[str]:
    """Yields a warning for each variable that looks misspelt."""
    for name, meant in misspelt(environ, (WorkerSettings, *_readers(ENGINES))).items():
        yield f"{name} is no setting; did you mean {meant}?"


def refusal(wrong: WrongSettings) -> str:
    return "\n".join([REFUSAL, *(f"  {problem}" for problem in wrong.problems), "See docs/settings.md."])


def _readers(engines: Iterable[str]) -> Iterator[type[Settings]]:
    """Returns the settings classes of these engines and of all converters."""
    entries = [*(ENGINES[name] for name in engines if name in ENGINES), *CONVERTERS.values()]
    return (settings_class(entry) for entry in entries if entry.settings)


def main() -> int:
    try:
        read_settings(os.environ)
    except WrongSettings as wrong:
        print(refusal(wrong), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
