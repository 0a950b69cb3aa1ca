"""All benchmarks, one after the other: `make bench`. Each prints a table; none asserts a time."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ("tests.bench.relay", "tests.bench.first_sound", "tests.bench.answers", "tests.bench.explore_page")

if __name__ == "__main__":
    worst = 0
    for module in BENCHMARKS:
        print(f"\n== {module.rsplit('.', 1)[1]} ==", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", module]).returncode)
    sys.exit(worst)
