"""All tests: those of the whole product, which mostly wait for sound to be played, beside all others; the longest of
them after the others, so that both halves take about as long.

python -m tests
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

PYTEST = [sys.executable, "-m", "pytest"]
# none of these needs the test database, of which there is one a process
AFTERWARDS = [f"tests/e2e/test_{name}.py" for name in ("simulation", "templates", "visits", "voices")]


def main() -> int:
    with tempfile.TemporaryFile() as kept:  # so that the two reports do not mix
        later = [f"--ignore={file}" for file in AFTERWARDS]
        whole = subprocess.Popen([*PYTEST, "tests/e2e", *later], stdout=kept, stderr=subprocess.STDOUT)
        parts = subprocess.run([*PYTEST, "tests", "--ignore=tests/e2e"])
        longest = subprocess.run([*PYTEST, *AFTERWARDS])
        print("Waiting for the tests of the whole product …", flush=True)
        failed = whole.wait() or parts.returncode or longest.returncode
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main())
