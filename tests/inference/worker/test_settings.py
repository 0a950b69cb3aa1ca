"""What the worker reads from the environment: everything wrong at once, in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inference.contract.settings import ROOT, WrongSettings
from inference.worker.settings import WorkerSettings, read_settings, warnings

SECRET = "a secret of the tests, long enough"
GOOD = {"WORKER_SECRET": SECRET}


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(WrongSettings) as caught:
        read_settings(environ)
    return [str(problem) for problem in caught.value.problems]


def test_only_the_secret_is_needed() -> None:
    assert read_settings(GOOD) == WorkerSettings(worker_secret=SECRET)


def test_everything_set() -> None:
    environ = {
        "WORKER_SECRET": SECRET,
        "WORKER_ENGINES": "echo, cascade,echo",
        "WORKER_SLOTS": "8",
        "WORKER_HOST": "0.0.0.0",
        "WORKER_PORT": "9000",
        "WORKER_ADDRESS": "wss://gpu.example/one/",
        "WORKER_NAME": "gpu-1",
        "WEB_URL": "https://study.example/",
        "RECONNECT_GRACE_SEC": "7.5",
        "WORKER_DRAIN_SEC": "0",
        "WORKER_MAX_STEP_MS": "120",
        "LOG_LEVEL": "WARNING",
    }
    assert read_settings(environ) == WorkerSettings(
        worker_secret=SECRET,
        engines=("echo", "cascade"),
        slots=8,
        host="0.0.0.0",
        port=9000,
        address="wss://gpu.example/one",
        name="gpu-1",
        web_url="https://study.example",
        reconnect_grace_sec=7.5,
        drain_sec=0.0,
        max_step_ms=120.0,
        log_level="WARNING",
    )


def test_all_problems_at_once() -> None:
    environ = {
        "WORKER_SECRET": "short",
        "WORKER_ENGINES": "echo,parrot",
        "WORKER_SLOTS": "0",
        "WORKER_PORT": "http",
        "WORKER_ADDRESS": "http://gpu",
        "WORKER_NAME": "n" * 81,
        "WORKER_CHAT": "ajar",
        "WEB_URL": "study.example",
        "RECONNECT_GRACE_SEC": "nan",
        "WORKER_DRAIN_SEC": "-1",
        "WORKER_MAX_STEP_MS": "nan",
        "LOG_LEVEL": "loud",
        "REMOTE_VC_MARGIN_MS": "-1",
    }
    found = problems(environ)
    assert sorted(problem.partition(":")[0] for problem in found) == sorted(environ)
    assert "WORKER_SLOTS: should be a whole number from 1 to 512 (found '0')" in found
    assert "WORKER_DRAIN_SEC: should be seconds from 0 to 300 (found '-1')" in found
    assert "RECONNECT_GRACE_SEC: should be seconds above 0, at most 300 (found 'nan')" in found
    assert "WORKER_CHAT: should be one of off, token, open (found 'ajar')" in found
    assert "WEB_URL: should be http://host:port or https://host (found 'study.example')" in found
    assert "REMOTE_VC_MARGIN_MS: should be milliseconds from 0 to 2000 (found '-1')" in found
    assert not any("short" in problem for problem in found)


def test_settings_of_the_engines_are_reported_along_with_the_worker_s() -> None:
    environ = GOOD | {"WORKER_ENGINES": "cascade,moshi,echo", "WORKER_SLOTS": "many", "CASCADE_THREADS": "0"}
    assert [problem.partition(":")[0] for problem in problems(environ)] == [
        "WORKER_SLOTS",
        "CASCADE_THREADS",
        "MOSHI_CHECKPOINT",
    ]
    assert read_settings(GOOD | {"WORKER_ENGINES": "echo", "CASCADE_THREADS": "0"}).engines == ("echo",)


@pytest.mark.parametrize(
    ("variable", "engine"),
    [("OPENAI_REALTIME_KEY", "openai_realtime"), ("MOSHI_SERVER_URLS", "moshi_server"), ("REMOTE_VC_URL", "echo")],
)
def test_secret_of_an_engine_is_in_no_message(variable: str, engine: str) -> None:
    found = problems(GOOD | {"WORKER_ENGINES": engine, variable: "gamma://not so secret"})
    assert [problem.partition(":")[0] for problem in found] == [variable]
    assert "gamma" not in found[0]


def test_secret_is_in_no_representation() -> None:
    assert SECRET not in repr(WorkerSettings(worker_secret=SECRET))


def test_secret_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(json.dumps({"worker_secret": SECRET, "secret_key": "another"}))
    assert read_settings({"DATA_DIR": str(tmp_path)}).worker_secret == SECRET


def test_no_secret(tmp_path: Path) -> None:
    assert problems({"DATA_DIR": str(tmp_path)}) == ["WORKER_SECRET: should be the web's, 32 characters or more"]


def test_no_secret_of_the_machine_in_production(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(json.dumps({"worker_secret": SECRET}))
    assert problems({"DATA_DIR": str(tmp_path), "HEARMEOUT_MODE": "production"}) == [
        "WORKER_SECRET: should be the web's, 32 characters or more"
    ]


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "ws://127.0.0.1:9000"),
        ({"host": "::1"}, "ws://[::1]:9000"),
        ({"host": "0.0.0.0", "address": "wss://gpu.example"}, "wss://gpu.example"),
    ],
)
def test_advertised_address(settings: dict[str, str], address: str) -> None:
    assert WorkerSettings(worker_secret=SECRET, **settings).advertised_address(9000) == address  # type: ignore[arg-type]


def test_misspelt_variable_is_told_with_what_was_meant() -> None:
    environ = {"WORKER_SLOT": "3", "MOSHI_CHECKPIONT": "x", "WORKER_POOL": "other software's", "PATH": "/bin"}
    assert list(warnings(environ)) == [
        "WORKER_SLOT is no setting; did you mean WORKER_SLOTS?",
        "MOSHI_CHECKPIONT is no setting; did you mean MOSHI_CHECKPOINT?",
    ]


def test_check_of_the_settings_loads_no_model_library() -> None:
    code = (
        "import sys; from inference.worker.settings import main; status = main(); "
        "print(status, sorted({'torch', 'xllamacpp', 'faster_whisper', 'moshi', 'django'} & set(sys.modules)))"
    )
    environ = {"PATH": os.environ["PATH"], "WORKER_SECRET": SECRET, "WORKER_ENGINES": "cascade,moshi"}
    environ["MOSHI_CHECKPOINT"] = "kyutai/moshiko-pytorch-bf16"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0 []\n", "")
