"""All tests: those of the whole product, which mostly wait for sound to be played, beside all others.

python -m tests
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

PYTEST = [sys.executable, "-m", "pytest"]


def main() -> int:
    with tempfile.TemporaryFile() as kept:  # so that the two reports do not mix
        whole = subprocess.Popen([*PYTEST, "tests/e2e"], stdout=kept, stderr=subprocess.STDOUT)
        parts = subprocess.run([*PYTEST, "tests", "--ignore=tests/e2e"])
        print("Waiting for the tests of the whole product …", flush=True)
        failed = whole.wait() or parts.returncode
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main())
