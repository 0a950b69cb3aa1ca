"""How much a run does. `make test` does what is needed at each change; `make test-all` does everything, at length."""

from __future__ import annotations

import os
from typing import Final

THOROUGH: Final = bool(os.environ.get("HEARMEOUT_THOROUGH"))
PICTURES: Final = bool(os.environ.get("HEARMEOUT_PICTURES"))  # set by `make pictures`


def examples(thoroughly: int) -> int:
    """How many examples of a property are tried: all of them in a thorough run, and a quarter otherwise."""
    return thoroughly if THOROUGH else max(1, thoroughly // 4)
