"""Settings are checked at the start, all at once, in plain words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hearmeout_site.environment import ROOT, Environment, settings_table

READ = "from hearmeout_site.environment import read_environment; print(read_environment().secret_key)"
GOOD = {
    "HEARMEOUT_MODE": "production",
    "SECRET_KEY": "s" * 32,
    "WORKER_SECRET": "w" * 32,
    "ALLOWED_HOSTS": "study.example.org",
}


def read_with(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), **variables}
    return subprocess.run([sys.executable, "-c", READ], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"HEARMEOUT_MODE": "production"}, "SECRET_KEY must be a secret of your own"),
        (GOOD | {"SECRET_KEY": "short"}, "SECRET_KEY must be a secret of your own"),
        (GOOD | {"WORKER_SECRET": "s" * 32}, "SECRET_KEY and WORKER_SECRET must differ"),
        (GOOD | {"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name your hosts"),
        (GOOD | {"ALLOW_TEST_MODELS": "true"}, "ALLOW_TEST_MODELS is for tests"),
        ({"PORT": "eighty"}, "PORT: Input should be a valid integer"),
        ({"PORT": "70000"}, "PORT: Input should be less than or equal to 65535"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must start with postgresql://"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL must start with redis://"),
        ({"HEARMEOUT_MODE": "prod"}, "HEARMEOUT_MODE: Input should be 'local' or 'production'"),
    ],
)
def test_environment_with_wrong_setting_stops_with_its_name(
    tmp_path: Path, variables: dict[str, str], complaint: str
) -> None:
    result = read_with(tmp_path, **variables)
    assert result.returncode == 1
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


def test_environment_names_all_wrong_settings_at_once(tmp_path: Path) -> None:
    result = read_with(tmp_path, PORT="x", WORKER_SLOTS="0")
    assert [line.split(":")[0].strip() for line in result.stderr.splitlines()[1:3]] == ["PORT", "WORKER_SLOTS"]


def test_environment_never_prints_a_secret(tmp_path: Path) -> None:
    result = read_with(tmp_path, **(GOOD | {"SECRET_KEY": "tooshort-but-secret"}))
    assert "tooshort-but-secret" not in result.stdout + result.stderr


def test_environment_for_production_is_accepted_when_complete(tmp_path: Path) -> None:
    assert read_with(tmp_path, **GOOD).stdout.strip() == "s" * 32


def test_local_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first, second = read_with(tmp_path), read_with(tmp_path)
    assert first.stdout == second.stdout
    assert len(first.stdout.strip()) >= 40
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_settings_page_holds_every_setting() -> None:
    assert settings_table() in (ROOT / "docs" / "settings.md").read_text()
    assert len(settings_table().splitlines()) == len(Environment.model_fields) + 2
