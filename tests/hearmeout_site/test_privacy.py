"""Other users of the machine read nothing of what is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hearmeout_site import privacy
from hearmeout_site.environment import ROOT

MIGRATE = "import django; django.setup(); from django.core.management import call_command; call_command('check')"
CONNECT = "; from django.db import connection; connection.cursor().execute('CREATE TABLE t (x)')"


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_folder_that_was_open_is_closed_and_so_is_the_database_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    old = folder / "db.sqlite3"
    old.touch()
    old.chmod(0o644)
    environ = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "hearmeout_site.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE + CONNECT], cwd=ROOT, env=environ, capture_output=True, text=True, umask=0o022
    )
    assert done.returncode == 0, done.stderr
    assert {path.relative_to(tmp_path).as_posix(): oct(mode_of(path)) for path in (folder, *folder.iterdir())} == {
        "data": "0o700",
        **{f"data/{name}": "0o700" for name in ("broker", "cache", "journal", "recordings", "static")},
        **{f"data/{name}": "0o600" for name in ("db.sqlite3", "secrets.json")},
    }


def test_what_is_made_later_is_for_us_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        privacy.keep_private(tmp_path)
        (tmp_path / "later").touch()
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "later") == 0o600


class ForeignPath(type(Path())):  # type: ignore[misc]
    """A folder that belongs to somebody else."""

    def chmod(self, mode: int, **_: object) -> None:
        raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize(("mode", "starts"), [(0o755, False), (0o777, False), (0o770, True), (0o750, True)])
def test_foreign_folder_that_all_may_read_stops_the_start(tmp_path: Path, mode: int, starts: bool) -> None:
    tmp_path.chmod(mode)
    folder = ForeignPath(tmp_path)
    if starts:
        privacy.keep_private(folder)
        return
    with pytest.raises(SystemExit) as stopped:
        privacy.keep_private(folder)
    assert str(stopped.value) == (
        f"Hear Me Out cannot start: every user of this machine can read DATA_DIR ({folder}), and it belongs to "
        f"somebody else. Let its owner run: chmod 700 {folder}"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="nobody but root gives files to others")
def test_root_becomes_the_one_owner_of_checkout_and_data(tmp_path: Path) -> None:
    checkout, data = tmp_path / "checkout", tmp_path / "data"
    checkout.mkdir()
    data.mkdir()
    tmp_path.chmod(0o755)
    assert privacy.owner_to_become([checkout, data]) is None
    os.chown(checkout, 12_345, 12_345)
    assert privacy.owner_to_become([checkout, data]) is None
    os.chown(data, 12_345, 12_345)
    assert privacy.owner_to_become([checkout, data / "not" / "there"]) == 12_345
    code = (
        "import os, sys; from pathlib import Path; from hearmeout_site.privacy import give_up_root\n"
        "give_up_root([Path(path) for path in sys.argv[1:]], print); print(os.getuid(), os.getgid(), os.getgroups())"
    )
    done = subprocess.run([sys.executable, "-c", code, checkout, data], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "This was started as root, and goes on as user 12345, to whom the checkout and DATA_DIR belong.",
        "12345 12345 []",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is told")
def test_root_without_anybody_to_become_is_told_once_in_plain_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    privacy.give_up_root([tmp_path, tmp_path], print)
    assert capsys.readouterr().out == (
        "This runs as root: a fault in it would have the whole machine. Better start it as a user of its own.\n"
    )
