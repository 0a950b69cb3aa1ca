"""The ear of one slot: it keeps what was heard before a turn and what the speaker's earlier turns measured."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

import numpy as np

from inference.contract.audio import Float32
from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.vad import RATE_HZ, VAD_FRAME_SAMPLES
from inference.engines.cascade.hearing.voice.features import Features
from inference.engines.cascade.hearing.voice.noticing import Noticed, notice


class Ear:
    """Used on the step thread; what `listen_to` returns may run on any thread."""

    def __init__(self, options: VoiceOptions) -> None:
        self._options = options
        self._before: deque[Float32] = deque(maxlen=int(options.before_sec * RATE_HZ) // VAD_FRAME_SAMPLES)
        self._earlier: list[Features] = []

    def pass_by(self, frame: Float32) -> None:
        """Keeps one VAD frame that belongs to no turn, for a laugh or a sigh before the next one's words."""
        self._before.append(frame)

    def forget_before(self) -> None:
        """Forgets what was heard before: the agent speaks, and a loudspeaker may return its voice."""
        self._before.clear()

    def listen_to(self, turn: Float32) -> Callable[[], Noticed]:
        """Returns a function that says how the turn sounded, float32 [n] at 16 kHz."""
        before = np.concatenate(self._before) if self._before else np.zeros(0, np.float32)
        return partial(notice, before, turn, tuple(self._earlier), self._options)

    def remember(self, noticed: Noticed) -> None:
        """Adds an answered turn to what the speaker's next ones are compared with."""
        if any(value is not None for value in noticed.features.values()):
            self._earlier.append(noticed.features)
