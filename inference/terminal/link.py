"""The interface to a server for a talk, whatever its protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from inference.contract.audio import Float32
from inference.contract.errors import InferenceError


class TalkProblem(InferenceError):
    """The talk cannot begin or go on; the text says why, and what to do. `status` is the exit status."""

    code = "talk_problem"

    BROKE_OFF = 1
    UNREACHABLE = 3
    REFUSED = 4
    NO_SOUND = 5

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Waiting:
    """In the queue; 1 is next. 0: the server does not say. `overloaded`: there is room, and no time for one more."""

    position: int
    overloaded: bool = False


@dataclass(frozen=True, slots=True)
class Live:
    """The engine hears from here on. `engine` may be unknown: ""."""

    engine: str


@dataclass(frozen=True, slots=True)
class Sound:
    """What the agent said: float32 [n] at 24 kHz."""

    samples: Float32


@dataclass(frozen=True, slots=True)
class Words:
    """What the agent says, as it is to be printed: spaces included."""

    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The participant's words as the engine recognised them."""

    text: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The agent's turn is over."""


@dataclass(frozen=True, slots=True)
class Over:
    """The last event. `fault`: it was not we who ended the talk."""

    message: str
    fault: bool


Event = Waiting | Live | Sound | Words | Heard | Paused | Over


class Link(Protocol):
    """One talk with one server. `receive` gives Over last, and once."""

    async def send(self, frame: Float32) -> None:
        """80 ms of the participant, float32 [FRAME_SAMPLES]; after Live. Does nothing once the talk is over."""

    async def receive(self) -> Event:
        """Returns the next event."""

    async def end(self) -> None:
        """Ends the talk; pending events still arrive, then Over."""

    async def close(self) -> None:
        """Closes the connection at once."""
