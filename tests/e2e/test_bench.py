"""The benchmark of the relay still runs against the product as it is; what it measures is not looked at."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hearmeout_site.environment import ROOT

pytestmark = pytest.mark.slow


def test_relay_can_be_measured() -> None:
    command = [sys.executable, "-m", "tests.bench.relay", "--sessions", "1", "--servers", "daphne", "--seconds", "1"]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=240, check=True)
    assert [line.split()[:2] for line in ended.stdout.splitlines()[2:4]] == [["direct", "1"], ["daphne", "1"]]
