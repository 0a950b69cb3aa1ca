"""What the tests need beside Python packages; said before they run rather than as errors in the middle.

python -m tests.requirements
"""

from __future__ import annotations

import shutil
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str | None:
    """Path of the system's Chromium; None where there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


if __name__ == "__main__":
    if browser() is None:
        sys.exit("The end-to-end tests drive Chromium, which is not installed. Try: apt-get install chromium")
