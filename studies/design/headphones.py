"""The order of the three sounds of a headphone screening, from a seed: the same here, in the browser (twin:
`static/studies/js/headphones/listening.js`) and for a bot."""

from __future__ import annotations

import hashlib
from itertools import permutations
from typing import Final

ORDERS: Final = tuple(permutations(range(3)))
TARGET: Final = 0  # the sound to find: with the tone, or the quietest


def order_of(seed: str, attempt: int, trial: int) -> tuple[int, ...]:
    """Returns which sound comes first, second and third: TARGET and the two others."""
    digest = hashlib.sha256(f"{seed}:{attempt}:{trial}".encode()).digest()
    return ORDERS[int.from_bytes(digest[:4], "big") % len(ORDERS)]


def target_of(seed: str, attempt: int, trial: int) -> int:
    """Returns the right answer: 1, 2 or 3."""
    return order_of(seed, attempt, trial).index(TARGET) + 1
