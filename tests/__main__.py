"""All tests. Those of the whole product, which mostly wait for sound to be played, run beside all others, which give
way to them; the longest visits follow alone, because two people who talk at once are more than two cores can play.

python -m tests
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PYTEST = [sys.executable, "-m", "pytest"]
WHOLE = Path("tests/e2e")
LONGEST = [WHOLE / f"test_{name}.py" for name in ("simulation", "templates", "visits", "voices")]


def main() -> int:
    shorter = sorted(set(WHOLE.glob("test_*.py")) - set(LONGEST))
    with tempfile.TemporaryFile() as kept:  # so that the two reports do not mix
        whole = subprocess.Popen([*PYTEST, *shorter, WHOLE / "pages"], stdout=kept, stderr=subprocess.STDOUT)
        parts = subprocess.run([*PYTEST, "tests", f"--ignore={WHOLE}"], preexec_fn=lambda: os.nice(10))
        print("Waiting for the tests of the whole product …", flush=True)
        whole.wait()
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
        sys.stdout.flush()
    longest = subprocess.run([*PYTEST, *LONGEST])
    return whole.returncode or parts.returncode or longest.returncode


if __name__ == "__main__":
    sys.exit(main())
