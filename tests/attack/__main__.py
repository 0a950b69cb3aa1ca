"""Attacks the whole product for at most ten minutes, and says what was tried, what held and what fell.

    python -m tests.attack [--seed 1] [--only roles requests sockets documents uploads races faults full_disk]

It starts a product of its own, on SQLite or, with DATABASE_URL and REDIS_URL, on databases of its own there. A run with
the same seed tries the same. It ends with 1 if anything fell.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
import traceback
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearmeout_site.settings")
django.setup()

from tests.attack import documents, faults, full_disk, races, requests, roles, sockets, uploads  # noqa: E402
from tests.attack.tally import Tally  # noqa: E402
from tests.attack.target import Target  # noqa: E402
from tests.e2e.own_databases import own_databases  # noqa: E402
from tests.e2e.stack import Stack  # noqa: E402

PARTS: Final = {
    "roles": roles,
    "requests": requests,
    "sockets": sockets,
    "documents": documents,
    "uploads": uploads,
    "races": races,
    "faults": faults,
    "full_disk": full_disk,
}
MOST_SEC: Final = 600.0
SERVICES: Final = ("DATABASE_URL", "REDIS_URL")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description="Attacks the whole product.")
    parser.add_argument("--seed", type=int, default=1, help="a run with the same seed tries the same")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run")
    chosen = parser.parse_args()
    deadline = time.monotonic() + MOST_SEC
    on_services = all(os.environ.get(name) for name in SERVICES)
    places: AbstractContextManager[dict[str, str]] = own_databases() if on_services else nullcontext({})
    with places as named, tempfile.TemporaryDirectory() as folder:
        settings = {"WORKER_ENGINES": "echo", "ALLOW_TEST_MODELS": "true", "RECONNECT_GRACE_SEC": "60", **named}
        with Stack(Path(folder), **settings) as stack:
            target = Target(stack, random.Random(chosen.seed))
            tallies = [_run(name, target, deadline) for name in chosen.only]
    print(f"\n{'':12}{'tried':>8}{'held':>8}{'fell':>8}")
    for tally in tallies:
        print(f"{tally.name:12}{tally.tried:>8}{tally.held:>8}{len(tally.fell):>8}")
    return 1 if any(tally.fell for tally in tallies) else 0


def _run(name: str, target: Target, deadline: float) -> Tally:
    tally = Tally(name)
    left_sec = deadline - time.monotonic()
    if left_sec <= 0:
        tally.left_out.append("there was no time left")
    else:
        try:
            asyncio.run(asyncio.wait_for(PARTS[name].attack(target, tally), left_sec))
        except TimeoutError:
            tally.left_out.append("what did not fit into the time")
        except Exception as error:
            tally.holds(False, f"it broke off: {traceback.format_exception_only(error)[-1].strip()}")
    print(f"{name}: tried {tally.tried}, held {tally.held}, fell {len(tally.fell)}", flush=True)
    for line in tally.lines():
        print(line, flush=True)
    return tally


if __name__ == "__main__":
    sys.exit(main())
