"""Every setting that comes from the environment, its default, and what it must be.

`docs/settings.md` is made from this by `python -m hearmeout_site.environment`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from secrets import token_urlsafe
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_SECRET = ""  # on one machine: made at the first start and kept in DATA_DIR/secrets.json


class Environment(BaseSettings):
    """Names are read in capitals: `data_dir` is `DATA_DIR`."""

    model_config = SettingsConfigDict(env_prefix="", extra="ignore", env_ignore_empty=True)

    mode: Literal["local", "production"] = Field(
        "local", alias="HEARMEOUT_MODE", description="`production` demands secrets, hosts and HTTPS."
    )
    secret_key: str = Field(
        DEFAULT_SECRET, description="Signs sessions and links. At least 32 characters in production."
    )
    worker_secret: str = Field(
        DEFAULT_SECRET,
        description="Shared by web and inference workers; signs slot tokens. At least 32 characters in production.",
    )
    allowed_hosts: str = Field(
        "localhost,127.0.0.1,[::1]", description="Host names the site answers to, with commas between."
    )
    trusted_origins: str = Field("", description="Further origins (https://...) that may open forms and talk sockets.")
    data_dir: Path = Field(ROOT / "var", description="Database file, journals, recordings, queue and weights.")
    models_dir: str = Field("", description="Weights of the local engine; empty for `models` in DATA_DIR.")
    database_url: str = Field("", description="`postgresql://user:password@host/name`; empty for SQLite in DATA_DIR.")
    redis_url: str = Field("", description="`redis://host:6379/0`; empty for a queue in DATA_DIR.")
    host: str = Field("127.0.0.1", description="Address the web process listens on; `0.0.0.0` behind a proxy.")
    port: int = Field(
        8000, ge=1, le=65_535, description="Port of the web process; the next free one is taken by `make run`."
    )
    worker_port: int = Field(8700, ge=1, le=65_535, description="Port of the inference worker.")
    worker_engines: str = Field("cascade", description="Engines an inference worker loads, with commas between.")
    worker_slots: int | None = Field(
        None, ge=1, le=512, description="Conversations an inference worker serves at once; empty: the engine chooses."
    )
    worker_max_step_ms: float = Field(
        80,
        ge=0,
        le=10_000,
        description="While steps take longer than this, an inference worker lets nobody new in; 0 for no limit.",
    )
    worker_drain_sec: float = Field(
        8, ge=0, le=300, description="How long an inference worker that stops keeps its talks for others to go on with."
    )
    web_url: str = Field("http://127.0.0.1:8000", description="Where an inference worker reports its heartbeat.")
    worker_host: str = Field("127.0.0.1", description="Address an inference worker listens on.")
    worker_address: str = Field(
        "", description="Where the web reaches the worker; empty for `ws://` with its host and port."
    )
    worker_name: str = Field("", description="What the worker is called on the start page; empty for host and port.")
    worker_chat: Literal["off", "token", "open"] = Field(
        "off",
        description="Whom an inference worker lets in at `/api/chat`: nobody, holders of a slot token, or whoever "
        "reaches the port.",
    )
    cascade_threads: str = Field(
        "", description="Threads of the local engine; empty for a choice by the machine's cores."
    )
    cascade_language_path: str = Field("", description="A GGUF instruct model of your own for the local engine.")
    cascade_language_hub: str = Field("", description="Or one on the hub: `owner/repository/file.gguf@commit#sha256`.")
    cascade_recognition_path: str = Field("", description="A faster-whisper model folder of your own.")
    cascade_recognition_hub: str = Field("", description="Or one on the hub: `owner/repository@commit`.")
    cascade_turn_end_path: str = Field("", description="A smart-turn ONNX file of your own.")
    cascade_turn_end_hub: str = Field("", description="Or one on the hub: `owner/repository/file.onnx@commit`.")
    moshi_checkpoint: str = Field(
        "",
        description="Weights of the engine `moshi`: a folder, or on the hub (`kyutai/moshiko-pytorch-bf16`).",
    )
    moshi_revision: str = Field(
        "",
        description="Commit, branch or tag of that repository; empty for its newest. A take's snapshot has the commit.",
    )
    moshi_device: str = Field("", description="`cuda`, `cpu`, or empty for a GPU where there is one.")
    hf_token: str = Field("", description="Token of the hub, for a repository that is private or gated.")
    remote_vc_url: str = Field(
        "", repr=False, description="Converter server for target voices, `ws://host:8800`; empty for none."
    )
    remote_vc_dialect: str = Field(
        "", description="How it is spoken to: `converter_server` (or empty), `meanvc` or `xvc`."
    )
    remote_vc_key: str = Field("", repr=False, description="Its key, if it asks for one.")
    remote_vc_certificate: str = Field("", description="PEM file of its certificate, if it signed its own.")
    remote_vc_margin_ms: str = Field(
        "", description="Time for network and computing, part of the voice's latency; empty for 120 ms."
    )
    moshi_server_urls: str = Field(
        "",
        repr=False,
        description="Servers of the engine `moshi_server`: `wss://host:8998/api/chat`, "
        "`personaplex+wss://host;slots=1`, with spaces between.",
    )
    moshi_server_certificate: str = Field(
        "", description="PEM file of the only certificates trusted there; empty for the public authorities."
    )
    moshi_server_handshake_sec: float = Field(
        15, gt=0, le=600, description="How long such a server may take to begin; then it counts as busy."
    )
    moshi_server_silent_sec: float = Field(
        10, gt=0, le=600, description="How long it may leave what it hears unanswered; then it counts as dead."
    )
    moshi_server_third_party: str = Field(
        "", description="`yes` or `no`: are they somebody else's? Empty for yes beyond this machine and its networks."
    )
    openai_realtime_url: str = Field(
        "",
        repr=False,
        description="Server of the engine `openai_realtime`; empty for OpenAI's, `wss://api.openai.com/v1/realtime`.",
    )
    openai_realtime_key: str = Field("", repr=False, description="Its key; only the inference worker needs it.")
    openai_realtime_model: str = Field(
        "", description="Models that studies may ask for, the default first; a deployment's name on Azure."
    )
    openai_realtime_dialect: str = Field(
        "auto", description="`openai`, `azure`, `beta` (the preview protocol), `unmute`, or `auto`."
    )
    openai_realtime_transcription: str = Field(
        "", description="Its model that writes down the participant; `none` for no transcript; empty for its usual one."
    )
    allow_test_models: bool = Field(
        False, description="Lets engines with random weights answer in open studies: for tests. Refused in production."
    )
    reconnect_grace_sec: float = Field(15, gt=0, le=300, description="How long a broken talk can be resumed.")
    celery_concurrency: int = Field(1, ge=1, le=64, description="Celery processes.")
    restart_wait_max_sec: float = Field(
        30, ge=0.1, description="`make run` starts a dead process again after 1, 2, 4 ... seconds, up to this."
    )
    journal_min_free_mb: int = Field(200, ge=0, description="A talk is refused when the disk has less room than this.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = []
        if self.database_url and urlsplit(self.database_url).scheme not in {"postgresql", "postgres"}:
            wrong.append("DATABASE_URL must start with postgresql://; leave it empty for SQLite")
        if self.redis_url and urlsplit(self.redis_url).scheme not in {"redis", "rediss"}:
            wrong.append("REDIS_URL must start with redis:// or rediss://; leave it empty for a queue on disk")
        if self.production:
            for name in ("secret_key", "worker_secret"):
                if len(getattr(self, name)) < 32:
                    wrong.append(f"{name.upper()} must be a secret of your own, 32 characters or more, in production")
            if self.secret_key == self.worker_secret:
                wrong.append("SECRET_KEY and WORKER_SECRET must differ in production")
            if "allowed_hosts" not in self.model_fields_set or "*" in self.allowed_hosts:
                wrong.append("ALLOWED_HOSTS must name your hosts in production")
            if self.allow_test_models:
                wrong.append("ALLOW_TEST_MODELS is for tests: leave it out in production")
        if wrong:
            raise ValueError("\n  ".join(wrong))
        return self

    @property
    def production(self) -> bool:
        return self.mode == "production"


def _own_secrets(folder: Path) -> dict[str, str]:
    """This machine's own secrets, made once: all its processes read the same file."""
    file = folder / "secrets.json"
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
    return secrets


def split_commas(value: str) -> list[str]:
    """ "a, b" -> ["a", "b"]."""
    return [part.strip() for part in value.split(",") if part.strip()]


def read_environment() -> Environment:
    """Reads and checks everything at once; exits with one line per wrong setting."""
    try:
        environment = Environment()
        if not environment.production:
            for name, value in _own_secrets(environment.data_dir).items():
                if not getattr(environment, name):
                    setattr(environment, name, value)
        return environment
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper()
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"  {name}: {message} (found {problem['input']!r})" if name else f"  {message}")
        sys.exit(
            "Hear Me Out cannot start, because of the environment:\n" + "\n".join(lines) + "\nSee docs/settings.md."
        )


def settings_table() -> str:
    """All settings as a Markdown table."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Environment.model_fields.items():
        default = "–" if field.default in ("", None) else f"`{field.default}`"
        if name == "data_dir":
            default = "var/ in the checkout"
        rows.append(f"| `{(field.alias or name).upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(settings_table())
