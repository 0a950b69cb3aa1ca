"""The web's settings: what comes from the environment, its default, and what it must be."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from pydantic import Field, ValidationInfo, field_validator

from inference.contract.settings import (
    MIN_SECRET_CHARACTERS,
    ROOT,
    SECRETS_FILE,
    BothSides,
    Names,
    WrongSettings,
    is_guessable,
    url_of,
)

__all__ = ["ROOT", "WebSettings", "read_environment"]

LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


class WebSettings(BothSides):
    """Names are read in capitals: `secret_key` is `SECRET_KEY`."""

    secret_key: str = Field(
        "", repr=False, description="Signs sessions and links. At least 32 characters in production."
    )
    allowed_hosts: Names = Field(LOCAL_HOSTS, description="Host names the site answers to, with commas between.")
    internal_hosts: Names = Field(
        ("*",),
        description="Host names by which `/healthz` and inference workers' requests may come, over plain HTTP too; `*` "
        "for any.",
    )
    trusted_origins: Names = Field(
        (), description="Further origins (https://...) that may open forms and talk sockets."
    )
    trusted_proxies: int | None = Field(
        None,
        ge=0,
        le=10,
        description="Proxies in front whose `X-Forwarded-For` is believed; empty for none, in production one.",
    )
    session_idle_min: int = Field(
        120, ge=1, description="Researchers who do nothing for this long, in minutes, are signed out."
    )
    require_second_factor: bool = Field(
        False, description="Lets researchers in only once they have set up a second factor."
    )
    database_url: str = Field(
        "", repr=False, description="`postgresql://user:password@host/name`; empty for SQLite in DATA_DIR."
    )
    database_wait_sec: int = Field(
        5,
        ge=1,
        le=60,
        description="How long a page waits for a database that is away or locked; then it says to try again.",
    )
    redis_url: str = Field("", repr=False, description="`redis://host:6379/0`; empty for a queue in DATA_DIR.")
    host: str = Field("127.0.0.1", description="Address the web process listens on; `0.0.0.0` behind a proxy.")
    port: int = Field(
        8000, ge=1, le=65_535, description="Port of the web process; the next free one is taken by `make run`."
    )
    allow_test_models: bool = Field(
        False, description="Lets engines with random weights answer in open studies: for tests. Refused in production."
    )
    demo_studies: bool | None = Field(
        None,
        description="Whether `manage.py prepare` opens the demo studies to visitors; empty: yes, but no in production.",
    )
    celery_concurrency: int = Field(1, ge=1, le=64, description="Celery processes.")
    restart_wait_max_sec: float = Field(
        30, ge=0.1, description="`make run` starts a dead process again after 1, 2, 4 ... seconds, up to this."
    )
    hung_after_sec: float = Field(
        20, ge=1, description="`make run` replaces a process that has answered and then says nothing for this long."
    )
    journal_min_free_mb: int = Field(
        200, ge=0, description="A conversation is refused when the disk has less room than this."
    )
    erasure_log: Path | None = Field(
        None,
        description="File that notes what people took back, for `manage.py reapply_erasures`; empty for "
        "`erasures.jsonl` in DATA_DIR. Keep it where restoring a backup leaves it in place.",
    )
    worker_port: int = Field(
        8700, ge=1, le=65_535, description="Port of the inference worker that `make run` starts; the next free one."
    )

    @field_validator("database_url")
    @classmethod
    def _database(cls, url: str) -> str:
        return url and url_of(
            ("postgresql", "postgres"), "postgresql://user:password@host/name, or empty for SQLite", url
        )

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: str) -> str:
        return url and url_of(
            ("redis", "rediss"), "redis://host:6379/0 or rediss://host:6379/0, or empty for a queue on disk", url
        )

    @field_validator("worker_secret", "secret_key")
    @classmethod
    def _of_your_own(cls, secret: str, info: ValidationInfo) -> str:
        if _in_production(info):
            if len(secret) < MIN_SECRET_CHARACTERS:
                raise ValueError(f"a secret of your own, {MIN_SECRET_CHARACTERS} characters or more, in production")
            if is_guessable(secret):
                raise ValueError("a random secret in production: `openssl rand -base64 40` makes one")
            if info.field_name == "secret_key" and secret == info.data.get("worker_secret"):
                raise ValueError("another secret than WORKER_SECRET in production")
        return secret

    @field_validator("allowed_hosts")
    @classmethod
    def _named(cls, hosts: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if _in_production(info) and (hosts == LOCAL_HOSTS or "*" in hosts):
            raise ValueError("the names of your hosts in production")
        return hosts

    @field_validator("allow_test_models")
    @classmethod
    def _only_in_tests(cls, allowed: bool, info: ValidationInfo) -> bool:
        if allowed and _in_production(info):
            raise ValueError("left out in production: it is for tests")
        return allowed

    @property
    def proxies(self) -> int:
        """How many proxies are believed about whom they ask for."""
        return int(self.production) if self.trusted_proxies is None else self.trusted_proxies

    @property
    def opens_demos(self) -> bool:
        """Whether the demo studies are opened when the database is prepared."""
        return not self.production if self.demo_studies is None else self.demo_studies


def _in_production(info: ValidationInfo) -> bool:
    return info.data.get("mode") == "production"


def _own_secrets(folder: Path) -> dict[str, str]:
    """The secrets of this machine by variable, made once: all its processes read the same file."""
    file = folder / SECRETS_FILE
    if not file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = {"secret_key": token_urlsafe(40), "worker_secret": token_urlsafe(40)}
        draft = folder / f"secrets.{os.getpid()}.json"
        draft.write_text(json.dumps(made))
        draft.chmod(0o600)
        try:
            os.link(draft, file)  # the first process to get here wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    secrets: dict[str, str] = json.loads(file.read_text())
    return {name.upper(): value for name, value in secrets.items()}


def read_environment() -> WebSettings:
    """Reads and checks everything at once; exits with one line per wrong setting."""
    try:
        settings = WebSettings.read(os.environ)
        if not settings.production:
            settings = WebSettings.read(_own_secrets(settings.data_dir) | _set(os.environ))
    except WrongSettings as wrong:
        lines = "\n".join(f"  {problem}" for problem in wrong.problems)
        sys.exit(f"Hear Me Out cannot start, because of the environment:\n{lines}\nSee docs/settings.md.")
    return settings


def _set(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that are not empty."""
    return {name: value for name, value in environ.items() if value.strip()}
