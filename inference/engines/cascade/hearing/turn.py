"""Decides whose turn it is from speech probabilities, one per VAD frame. The code is pure and uses no model.

    IDLE      nobody speaks        onset of speech              -> START    -> HEARING
    HEARING   participant speaks   a short pause                -> GUESS    -> PAUSING   (prepare an answer)
    PAUSING   is it the end?       speech goes on               -> WITHDRAW -> HEARING   (discard that answer)
                                   the pause is long enough     -> COMMIT   -> THINKING
    THINKING  no sound yet         speech goes on               -> RETRACT  -> HEARING   (the turn was cut in two)
    SPEAKING  the agent sounds     speech, for long enough      -> INTERRUPT-> HEARING

How long a pause must be depends on what the turn-end model predicts for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from inference.engines.cascade.hearing.vad import VAD_FRAME_MS

ENTER_PROBABILITY: Final = 0.5  # a frame becomes speech at this probability ...
STAY_PROBABILITY: Final = 0.35  # ... and stays speech down to this one, so that a soft syllable is not a pause
COMPLETE_PROBABILITY: Final = 0.5


class Phase(StrEnum):
    IDLE = "idle"
    HEARING = "hearing"
    PAUSING = "pausing"
    THINKING = "thinking"
    SPEAKING = "speaking"


class Act(StrEnum):
    START = "start"
    GUESS = "guess"
    WITHDRAW = "withdraw"
    COMMIT = "commit"
    RETRACT = "retract"
    INTERRUPT = "interrupt"


@dataclass(frozen=True, slots=True)
class Timing:
    """Uninterrupted speech or silence that each transition takes, in ms. Measured on read and spontaneous questions."""

    onset_ms: int = 96
    resume_ms: int = 64
    interrupt_ms: int = 160
    guess_ms: int = 200
    complete_ms: int = 450  # when the turn-end model predicts a complete turn
    unjudged_ms: int = 700  # while there is no prediction yet
    unfinished_ms: int = 900  # when it predicts an incomplete turn


class TurnTaking:
    """The floor in one conversation."""

    def __init__(self, timing: Timing = Timing(), *, interruptible: bool = True) -> None:
        self.phase = Phase.IDLE
        self.speech_frames = 0  # consecutive, including the last frame
        self.silent_frames = 0  # since the last speech of this turn
        self._timing = timing
        self._interruptible = interruptible

    @property
    def pause_ms(self) -> int:
        return self.silent_frames * VAD_FRAME_MS

    def hear(self, probability: float, completeness: float | None = None) -> Act | None:
        """Takes one VAD frame's probability of speech and returns what to do, if anything.

        `completeness` is the turn-end model's probability that the turn is complete, None until it is known."""
        speech = probability >= (STAY_PROBABILITY if self.speech_frames else ENTER_PROBABILITY)
        self.speech_frames = self.speech_frames + 1 if speech else 0
        match self.phase:
            case Phase.IDLE if self._spoke_for(self._timing.onset_ms):
                return self._hearing(Act.START)
            case Phase.HEARING:
                self.silent_frames = 0 if speech else self.silent_frames + 1
                if self.pause_ms >= self._timing.guess_ms:
                    self.phase = Phase.PAUSING
                    return Act.GUESS
            case Phase.PAUSING:
                self.silent_frames += 1
                if self._spoke_for(self._timing.resume_ms):
                    return self._hearing(Act.WITHDRAW)
                if not speech and self.pause_ms >= self._patience_ms(completeness):
                    self.phase = Phase.THINKING
                    return Act.COMMIT
            case Phase.THINKING if self._spoke_for(self._timing.onset_ms):
                return self._hearing(Act.RETRACT)
            case Phase.SPEAKING if self._interruptible and self._spoke_for(self._timing.interrupt_ms):
                return self._hearing(Act.INTERRUPT)
        return None

    def speak(self) -> None:
        """The agent's answer begins to sound."""
        self.phase = Phase.SPEAKING

    def listen(self) -> None:
        """The agent has finished, or has nothing to say."""
        self.phase = Phase.IDLE
        self.silent_frames = 0

    def _hearing(self, act: Act) -> Act:
        self.phase = Phase.HEARING
        self.silent_frames = 0
        return act

    def _spoke_for(self, duration_ms: int) -> bool:
        return self.speech_frames * VAD_FRAME_MS >= duration_ms

    def _patience_ms(self, completeness: float | None) -> int:
        if completeness is None:
            return self._timing.unjudged_ms
        return self._timing.complete_ms if completeness >= COMPLETE_PROBABILITY else self._timing.unfinished_ms
