"""`manage.py bench_engine ENGINE`: measures an engine on this machine, in a process of the speech side."""

from __future__ import annotations

import subprocess
import sys
from argparse import REMAINDER
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = (
        "Measure an engine: step times, frames a second, memory and the largest number of slots that keeps up. "
        "What follows the name goes to `python -m inference.bench`, such as --slots 1 8 16; -h there tells all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("engine", help="Name of the engine, such as moshi.")
        parser.add_argument("options", nargs=REMAINDER, help="Options of `python -m inference.bench`.")

    def handle(self, *, engine: str, options: list[str], **others: Any) -> None:
        command = [sys.executable, "-m", "inference.bench", "--engine", engine, *options]
        code = subprocess.run(command, check=False, cwd=settings.BASE_DIR).returncode  # noqa: S603 - our own program
        if code:
            sys.exit(code)
