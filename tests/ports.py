"""Ports for what tests start."""

from __future__ import annotations

import itertools
import os
import socket
from typing import Final

WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
FIRST: Final = 20_000  # below those that the system hands out by itself
PER_WORKER: Final = 1_000
_next = itertools.count(37 * os.getpid())


def free_port() -> int:
    """A port that nobody listens at. Each of pytest-xdist's workers has a range of its own and goes through it in
    turn, so that no port is given twice before what asked for it has taken it."""
    while True:
        port = FIRST + PER_WORKER * WORKER + next(_next) % PER_WORKER
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
