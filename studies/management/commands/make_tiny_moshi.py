"""`manage.py make_tiny_moshi DIR [--seed N]`: a Moshi checkpoint with random weights, for tests and benchmarks."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Makes a tiny Moshi in a new or empty folder: the real architecture with random weights, which an inference "
        "worker serves as the engine moshi. For tests and benchmarks; no open study can use it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path)
        parser.add_argument("--seed", type=int, default=0, help="of the random weights (default 0)")

    def handle(self, *, folder: Path, seed: int, **options: Any) -> None:
        # a process of its own, because the web side has no torch
        command = [sys.executable, "-m", "inference.engines.moshi.tiny", str(folder.absolute()), "--seed", str(seed)]
        done = subprocess.run(command, cwd=settings.BASE_DIR, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise CommandError(done.stderr.strip() or "The checkpoint was not made.")
