"""What a part of the attack has tried, and what of it fell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

SHOWN: Final = 20  # of what fell in one part; more of it is one fault


@dataclass
class Tally:
    """One part of the attack. `left_out` says why something could not be tried here."""

    name: str
    tried: int = 0
    fell: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def holds(self, held: object, otherwise: str) -> bool:
        """Counts one try; `otherwise` says what happened in place of what should have."""
        self.tried += 1
        if not held:
            self.fell.append(otherwise)
        return bool(held)

    @property
    def held(self) -> int:
        return self.tried - len(self.fell)

    def lines(self) -> list[str]:
        """What fell, each once with how often, and what was left out."""
        counted = Counter(self.fell).most_common()
        more = [f"... and {len(counted) - SHOWN} others"] if len(counted) > SHOWN else []
        fallen = [f"{what} ({times} times)" if times > 1 else what for what, times in counted[:SHOWN]]
        return [f"  fell: {line}" for line in (*fallen, *more)] + [f"  left out: {why}" for why in self.left_out]
