"""Tells frames that a browser sends as it captures them from those it had kept while it was away."""

from __future__ import annotations

from typing import Final

from inference.contract.audio import SAMPLE_RATE_HZ

BACKFILL_US: Final = 200_000  # a frame later after its capture than this, compared with the promptest, was kept
BACKFILL_AT_MOST_US: Final = 5_000_000  # after a reconnect; then frames are just slow


class ArrivalClock:
    """Knows the earliest moment that microphone sample 0 can have been, from when frames arrived."""

    def __init__(self) -> None:
        self.start_us: int | None = None
        self._until_us = 0

    def reconnected(self, now_us: int) -> None:
        """What comes next may be back-fill."""
        self._until_us = now_us + BACKFILL_AT_MOST_US if self.start_us is not None else 0

    def is_backfill(self, sample: int, time_us: int) -> bool:
        """Whether a frame that arrived just now was captured before the reconnect. The first one that was not ends
        the back-fill: a browser sends in order."""
        start_us = time_us - sample * 1_000_000 // SAMPLE_RATE_HZ
        if self._until_us:
            if self.start_us is not None and start_us - self.start_us > BACKFILL_US and time_us < self._until_us:
                return True
            self._until_us = 0
        if self.start_us is None or start_us < self.start_us:
            self.start_us = start_us
        return False
