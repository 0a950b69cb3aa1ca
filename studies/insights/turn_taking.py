"""Finds who has the floor: pauses within a speaker, and gaps and overlaps between the two (Heldner & Edlund 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from inference.contract.audio import samples_to_ms
from studies.errors import Unmeasurable
from studies.insights.measurement import Method
from studies.insights.speech import Stretch

FLOOR_TRANSFER_OFFSET = Method(
    "floor_transfer_offset_ms",
    "ms",
    "Median from the other’s end to own start, overlap negative; Heldner & Edlund 2010",
)
RESPONSE_LATENCY = Method("response_latency_ms", "ms", "Median gap before own turns, overlaps left out")
TURNS = Method("turns", "turns", "Times the floor was taken; Heldner & Edlund 2010")
PAUSES = Method("pauses", "pauses", "Silences of at least 250 ms within own turns; Heldner & Edlund 2010")
PAUSE_MEDIAN = Method("pause_median_ms", "ms", "Median silence of at least 250 ms within own turns")

Speaker = Literal["self", "other"]


@dataclass(frozen=True, slots=True)
class Floor:
    """What one speaker did with the floor, in samples.

    `offsets` belong to the turns that were taken over from the other speaker: a gap is positive, an overlap negative.
    The very first turn has no offset."""

    turns: int
    offsets: tuple[int, ...]
    pauses: tuple[int, ...]

    @property
    def pause_ms(self) -> float:
        return samples_to_ms(sum(self.pauses))


def floor_of(own: Sequence[Stretch], others: Sequence[Stretch]) -> Floor:
    """Returns the floor of the speaker of `own`. Speech that begins and ends within the other's takes no floor."""
    spoken = sorted([(stretch, "self") for stretch in own] + [(stretch, "other") for stretch in others])
    turns, offsets, pauses = 0, [], []
    holder, until = "", 0
    for stretch, speaker in spoken:
        if speaker == holder:
            if holder == "self":
                pauses.append(stretch.start - until)
        elif holder and stretch.end <= until:
            continue
        elif speaker == "self":
            turns += 1
            if holder:
                offsets.append(stretch.start - until)
        holder, until = speaker, stretch.end
    return Floor(turns, tuple(offsets), tuple(pauses))


def floor_transfer_offset_ms(floor: Floor) -> float:
    """Raises Unmeasurable if the floor was never taken over."""
    if not floor.offsets:
        raise Unmeasurable("the floor never changed to this speaker")
    return samples_to_ms(1) * median(floor.offsets)


def response_latency_ms(floor: Floor) -> float:
    """Raises Unmeasurable if no turn followed a gap."""
    gaps = [offset for offset in floor.offsets if offset >= 0]
    if not gaps:
        raise Unmeasurable("no turn began after the other had ended")
    return samples_to_ms(1) * median(gaps)


def pause_median_ms(floor: Floor) -> float:
    """Raises Unmeasurable if there is no pause."""
    if not floor.pauses:
        raise Unmeasurable("there was no pause")
    return samples_to_ms(1) * median(floor.pauses)
