"""All tests: those of the whole product, which mostly wait for sound to be played, beside all others.

Those that measure what arrived of a sound run beside tests that give way to them; the longest follow when these are
done, so that both halves take about as long.

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
PAGES = WHOLE / "pages"
# none of these needs the test database, of which there is one a process
LONGEST = [WHOLE / f"test_{name}.py" for name in ("simulation", "templates")]


def main() -> int:
    audible = sorted(set(WHOLE.glob("test_*.py")) - set(LONGEST))
    with tempfile.TemporaryFile() as kept:  # so that the two reports do not mix
        whole = subprocess.Popen([*PYTEST, *audible, PAGES], stdout=kept, stderr=subprocess.STDOUT)
        parts = subprocess.run([*PYTEST, "tests", f"--ignore={WHOLE}"], preexec_fn=lambda: os.nice(10))
        longest = subprocess.run([*PYTEST, *LONGEST])
        print("Waiting for the tests of the whole product …", flush=True)
        failed = whole.wait() or parts.returncode or longest.returncode
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main())
