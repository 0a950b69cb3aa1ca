"""`python -m inference.weights`; see `packages`."""

from __future__ import annotations

import sys

from inference.weights.packages import main

if __name__ == "__main__":
    sys.exit(main())
