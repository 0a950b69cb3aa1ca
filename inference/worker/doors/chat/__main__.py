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
    parser.add_argument("--valid-min", type=float, default=10.0, help="until it must be used (default: 10)")
    given = vars(parser.parse_args(argv))
    valid_min = given.pop("valid_min")
    try:
        secret = WorkerSettings.read({**os.environ, "WORKER_ENGINES": ""}).worker_secret
        query = urlencode({name: value for name, value in given.items() if value is not None})
        chat = read_query(query, list(ENGINES))
    except InferenceError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(sign(SLOT, chat.slot, secret, ttl_sec=60 * valid_min))
    return 0


if __name__ == "__main__":
    sys.exit(main())
