"""What the worker reads from the environment: everything wrong at once, in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference.worker.settings import EnvironmentProblem, WorkerSettings, advertised_address, read_environment

SECRET = "a secret of the tests, long enough"


def test_only_the_secret_is_needed() -> None:
    assert read_environment({"WORKER_SECRET": SECRET}) == WorkerSettings(secret=SECRET)


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
    assert read_environment(environ) == WorkerSettings(
        secret=SECRET,
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
        "WEB_URL": "study.example",
        "RECONNECT_GRACE_SEC": "nan",
        "WORKER_DRAIN_SEC": "-1",
        "WORKER_MAX_STEP_MS": "nan",
        "LOG_LEVEL": "loud",
    }
    with pytest.raises(EnvironmentProblem) as caught:
        read_environment(environ)
    assert sorted(problem.partition(":")[0] for problem in caught.value.problems) == sorted(environ)
    assert "WORKER_SLOTS: should be a whole number from 1 to 512 (found '0')" in caught.value.problems
    assert "short" not in str(caught.value)


def test_secret_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(json.dumps({"worker_secret": SECRET, "secret_key": "another"}))
    assert read_environment({"DATA_DIR": str(tmp_path)}).secret == SECRET


def test_no_secret(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        read_environment({"DATA_DIR": str(tmp_path)})
    assert caught.value.problems == ("WORKER_SECRET: should be the web's, 32 characters or more",)


def test_no_secret_of_the_machine_in_production(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(json.dumps({"worker_secret": SECRET}))
    with pytest.raises(EnvironmentProblem):
        read_environment({"DATA_DIR": str(tmp_path), "HEARMEOUT_MODE": "production"})


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "ws://127.0.0.1:9000"),
        ({"host": "::1"}, "ws://[::1]:9000"),
        ({"host": "0.0.0.0", "address": "wss://gpu.example"}, "wss://gpu.example"),
    ],
)
def test_advertised_address(settings: dict[str, str], address: str) -> None:
    assert advertised_address(WorkerSettings(secret=SECRET, **settings), 9000) == address  # type: ignore[arg-type]
