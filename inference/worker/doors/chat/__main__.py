"""Prints a token that lets one chat client in: python -m inference.worker.doors.chat --engine moshi --valid-min 60

For workers with WORKER_CHAT=token and the same WORKER_SECRET as here.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from urllib.parse import urlencode

from inference.contract.catalog import ENGINES
from inference.contract.errors import InferenceError
from inference.contract.presets import PRESETS
from inference.contract.tokens import SLOT, sign
from inference.worker.doors.chat.query import read_query
from inference.worker.settings import WorkerSettings


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m inference.worker.doors.chat", description="A token for one conversation."
    )
    parser.add_argument("--engine", required=True, choices=list(ENGINES))
    parser.add_argument("--voice", default="natural", choices=list(PRESETS), metavar="VOICE")
    parser.add_argument("--text-prompt", default="")
    parser.add_argument("--voice-prompt", default="")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--valid-min", type=float, default=10.0, help="until it must be used (default: 10; most: 60)")
    parser.add_argument("--worker", metavar="ADDRESS", help="of the worker, as it reports it (default: by WORKER_*)")
    given = vars(parser.parse_args(argv))
    valid_sec, worker = 60 * given.pop("valid_min"), given.pop("worker")
    if not 0 < valid_sec <= SLOT.longest_sec:
        parser.error(f"--valid-min must be above 0, and {SLOT.longest_sec / 60:g} at most")
    try:
        settings = WorkerSettings.read({**os.environ, "WORKER_ENGINES": ""})
        query = urlencode({name: value for name, value in given.items() if value is not None})
        chat = read_query(query, list(ENGINES))
    except InferenceError as problem:
        print(problem, file=sys.stderr)
        return 2
    address = worker or settings.advertised_address(settings.port)
    print(sign(SLOT, chat.slot, settings.worker_secret, valid_sec, to=address))
    return 0


if __name__ == "__main__":
    sys.exit(main())
