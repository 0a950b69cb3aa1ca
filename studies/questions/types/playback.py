"""Questions to what was said in a visit: its recordings, and which answer of a pair is preferred."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studies.protocol.base import Key, Sec
from studies.protocol.items.base import Item


class Playback(Item):
    """A recording of this visit to listen to: of the talk or pair that is asked about, or of the `prompt` and
    `condition` named. The answer says how often and how long it was heard."""

    type: Literal["playback"]
    """What kind of item it is."""
    track: Literal["agent", "heard", "participant"] = "agent"
    """The machine's words (agent), the participant as the machine heard them (heard), or the microphone
    (participant)."""
    prompt: Key | None = None
    """Which talk; needed at moments without a talk or a pair."""
    condition: Key | None = None
    """Which talk, where the prompt is talked about under several conditions."""
    start_sec: Sec = 0
    """Where the excerpt begins, in the talk."""
    max_duration_sec: Annotated[float, Field(gt=0, le=1_800)] | None = None
    """How long the excerpt is; to the end when left out."""
    max_plays: Annotated[int, Field(ge=1, le=100)] | None = None
    """How often it may be started."""
    must_listen: bool = True
    """It must be heard to its end before going on."""


class Preference(Item):
    """Which of the answers that are compared, or no difference; only at `after_pair`."""

    type: Literal["preference"]
    """What kind of item it is."""
    no_difference: bool = True
    """Offers “no difference” as well."""
