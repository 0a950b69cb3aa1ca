"""Distinguishes frames that a browser sends as it captures them from those it kept while it was disconnected."""

from __future__ import annotations

from typing import Final

from inference.contract.audio import SAMPLE_RATE_HZ

BACKFILL_US: Final = 200_000  # a frame that arrives this much later than the promptest one had been kept
BACKFILL_AT_MOST_US: Final = 5_000_000  # back-fill ends this long after a reconnect; later frames are merely slow


class ArrivalClock:
    """Estimates from arrival times the earliest moment at which microphone sample 0 can have been captured."""

    def __init__(self) -> None:
        self.start_us: int | None = None
        self._until_us = 0

    def reconnected(self, now_us: int) -> None:
        """Notes that the frames that follow may be back-fill."""
        self._until_us = now_us + BACKFILL_AT_MOST_US if self.start_us is not None else 0

    def is_backfill(self, sample: int, time_us: int) -> bool:
        """Returns whether a frame that arrived just now was captured before the reconnect.

        The first frame that was not ends the back-fill, because a browser sends in order."""
        start_us = time_us - sample * 1_000_000 // SAMPLE_RATE_HZ
        if self._until_us:
            if self.start_us is not None and start_us - self.start_us > BACKFILL_US and time_us < self._until_us:
                return True
            self._until_us = 0
        if self.start_us is None or start_us < self.start_us:
            self.start_us = start_us
        return False
