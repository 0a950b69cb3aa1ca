"""Settings are checked at the start, all at once, in plain words."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from random import Random

import pytest

from hearmeout_site.environment import ROOT, WebSettings
from inference.contract.settings import WrongSettings
from inference.worker.settings import WorkerSettings

READ = "from hearmeout_site.environment import read_environment; print(read_environment().secret_key)"
GOOD = {
    "HEARMEOUT_MODE": "production",
    "SECRET_KEY": "vZ3kq0w8sJYc5n1RrT7xUe2LbH9dPfGm",
    "WORKER_SECRET": "Qm4yN8tKa6Wz0cVj2RxEo5uHs7PgLb1D",
    "ALLOWED_HOSTS": "study.example.org",
}


def read_with(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), **variables}
    return subprocess.run([sys.executable, "-c", READ], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        (
            {"HEARMEOUT_MODE": "production"},
            "SECRET_KEY: should be a secret of your own, 32 characters or more",
        ),
        (
            GOOD | {"SECRET_KEY": "short"},
            "SECRET_KEY: should be a secret of your own, 32 characters or more",
        ),
        (
            GOOD | {"WORKER_SECRET": GOOD["SECRET_KEY"]},
            "SECRET_KEY: should be another secret than WORKER_SECRET in production",
        ),
        (GOOD | {"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS: should be the names of your hosts in production (found '*')"),
        (GOOD | {"ALLOW_TEST_MODELS": "true"}, "ALLOW_TEST_MODELS: should be left out in production: it is for tests"),
        ({"PORT": "eighty"}, "PORT: should be a whole number from 1 to 65535 (found 'eighty')"),
        ({"PORT": "70000"}, "PORT: should be a whole number from 1 to 65535 (found '70000')"),
        (
            {"DATABASE_URL": "mysql://x"},
            "DATABASE_URL: should be postgresql://user:password@host/name",
        ),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL: should be redis://host:6379/0 or rediss://"),
        ({"HEARMEOUT_MODE": "prod"}, "HEARMEOUT_MODE: should be one of local, production (found 'prod')"),
    ],
)
def test_environment_with_wrong_setting_stops_with_its_name(
    tmp_path: Path, variables: dict[str, str], complaint: str
) -> None:
    result = read_with(tmp_path, **variables)
    assert result.returncode == 1
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


GUESSABLE = [
    "a" * 40,
    "changeme" * 5,
    "0123456789abcdef" * 2,
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "django-insecure-x7!k2@qz0w8sJYc5n1RrT7xUe2LbH9dPfGm",
]


@pytest.mark.parametrize("secret", GUESSABLE)
def test_secret_that_can_be_guessed_is_refused_in_production(secret: str) -> None:
    for name in ("SECRET_KEY", "WORKER_SECRET"):
        with pytest.raises(WrongSettings) as wrong:
            WebSettings.read(GOOD | {name: secret})
        assert [str(problem) for problem in wrong.value.problems] == [
            f"{name}: should be a random secret in production: `openssl rand -base64 40` makes one"
        ]
    with pytest.raises(WrongSettings) as wrong:
        WorkerSettings.read({"HEARMEOUT_MODE": "production", "WORKER_SECRET": secret})
    assert [problem.variable for problem in wrong.value.problems] == ["WORKER_SECRET"]


def test_secrets_of_any_random_kind_are_taken() -> None:
    rng = Random(7)
    for _ in range(200):
        key, shared = rng.randbytes(32).hex(), b64encode(rng.randbytes(30)).decode()
        assert WebSettings.read(GOOD | {"SECRET_KEY": key, "WORKER_SECRET": shared}).secret_key == key


def test_environment_names_all_wrong_settings_at_once(tmp_path: Path) -> None:
    wrong = {"DATABASE_URL": "mysql://x", "PORT": "x", "JOURNAL_MIN_FREE_MB": "-1", "ALLOW_TEST_MODELS": "perhaps"}
    result = read_with(tmp_path, HEARMEOUT_MODE="production", **wrong)
    named = {line.split(":")[0].strip() for line in result.stderr.splitlines()[1:-1]}
    assert named == {"SECRET_KEY", "WORKER_SECRET", "ALLOWED_HOSTS", *wrong}


def test_environment_never_prints_a_secret(tmp_path: Path) -> None:
    secrets = {"SECRET_KEY": "tooshort-but-secret", "DATABASE_URL": "mysql://me:pass-word@host/name"}
    result = read_with(tmp_path, **(GOOD | secrets))
    assert sorted(line.split(":")[0].strip() for line in result.stderr.splitlines()[1:-1]) == [
        "DATABASE_URL",
        "SECRET_KEY",
    ]
    assert "tooshort-but-secret" not in result.stdout + result.stderr
    assert "pass-word" not in result.stdout + result.stderr


def test_representation_holds_no_secret() -> None:
    settings = WebSettings(secret_key="k" * 40, worker_secret="w" * 40, database_url="postgresql://me:word@host/name")
    assert not any(secret in repr(settings) for secret in ("k" * 40, "w" * 40, "word"))


def test_environment_for_production_is_accepted_when_complete(tmp_path: Path) -> None:
    assert read_with(tmp_path, **GOOD).stdout.strip() == GOOD["SECRET_KEY"]


def test_local_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first, second = read_with(tmp_path), read_with(tmp_path)
    assert first.stdout == second.stdout
    assert len(first.stdout.strip()) >= 40
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
