"""Where the times of a step stand in its PCM: nanoseconds of the machine's one monotonic clock."""

from __future__ import annotations

from struct import Struct
from typing import Final

SENT: Final = Struct("<q")  # at the head of every microphone frame
STAMPS: Final = Struct("<qqq")  # sent, received by the worker, sent by the worker; at the head of the agent's frame
