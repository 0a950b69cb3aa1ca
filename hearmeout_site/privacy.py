"""Keeps what is stored on this machine from its other users: recordings, the database and the secrets."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

FOR_US_ALONE: Final = 0o077
"""The umask of all processes: what they make, nobody else reads."""
OTHERS: Final = stat.S_IRWXO
GROUP_AND_OTHERS: Final = stat.S_IRWXG | OTHERS


def keep_private(folder: Path) -> None:
    """Makes `folder`, if need be, and closes it and the files right in it to everybody else. What belongs to somebody
    else may be open to a group, as volumes are; exits with the reason when it is open to all."""
    os.umask(FOR_US_ALONE)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (folder, *(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & GROUP_AND_OTHERS:
                path.chmod(mode & ~GROUP_AND_OTHERS)
        except FileNotFoundError:  # another process took it away meanwhile
            continue
        except OSError:
            if path == folder and mode & OTHERS:
                sys.exit(
                    f"Hear Me Out cannot start: every user of this machine can read DATA_DIR ({folder}), and it "
                    f"belongs to somebody else. Let its owner run: chmod 700 {folder}"
                )


def owner_to_become(folders: list[Path]) -> int | None:
    """The user who owns all `folders`, or the nearest there is above each; None where that is nobody, or root."""
    owners = {next(path for path in (folder, *folder.parents) if path.exists()).stat().st_uid for folder in folders}
    owner = owners.pop()
    return owner if not owners and owner != 0 else None


def give_up_root(folders: list[Path], say: Callable[[str], None]) -> dict[str, str]:
    """Goes on as the user to whom `folders` belong, where that is one user; else says once what running as root
    means. Returns what changes in the environment."""
    if os.geteuid() != 0:
        return {}
    user = owner_to_become(folders)
    if user is None:
        say("This runs as root: a fault in it would have the whole machine. Better start it as a user of its own.")
        return {}
    import pwd

    try:
        entry = pwd.getpwuid(user)
        group, home = entry.pw_gid, entry.pw_dir
        os.initgroups(entry.pw_name, group)
    except KeyError:  # a number without a name, as in containers
        group, home = folders[0].stat().st_gid, str(folders[0])
        os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    say(f"This was started as root, and goes on as user {user}, to whom the checkout and DATA_DIR belong.")
    return {"HOME": home}
