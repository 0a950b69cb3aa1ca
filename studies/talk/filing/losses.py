"""What a journal lacks of what was acknowledged to the browser, in words for a researcher."""

from __future__ import annotations

from inference.contract.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES
from studies.models import Take
from studies.talk.filing.reading import Reading
from studies.talk.takes import ACKNOWLEDGED


def why_lost(take: Take, reading: Reading) -> str:
    """Returns why nothing is left of what was said in a take, in words for a researcher; an empty text if something is,
    or if nothing was said."""
    acknowledged = take.counts.get(ACKNOWLEDGED)
    if reading.participant.end:
        return ""
    if acknowledged:
        return (
            f"All of the recording is lost: {_frames(acknowledged)} were acknowledged, and the journal contains none."
        )
    if take.started_at is not None and not reading.live:
        return (
            "All of the recording is lost: the conversation had begun, but its journal is missing or contains nothing."
        )
    return ""


def problems_of(take: Take, reading: Reading) -> list[str]:
    """Returns what is wrong with a take of which something is left, in words for a researcher."""
    problems = []
    parts = [part for part in reading.damage if not part.torn]
    if parts:
        places = ", ".join(f"{part.size} bytes at {part.offset}" for part in parts[:4])
        more = f" and {len(parts) - 4} more places" if len(parts) > 4 else ""
        problems.append(f"The journal was damaged ({places}{more}); everything else is filed.")
    missing = take.counts.get(ACKNOWLEDGED, 0) - reading.next_sequence
    if missing > 0:
        problems.append(f"The end of the journal is cut off, with {_frames(missing)}.")
    elif ACKNOWLEDGED in take.counts and take.outcome == Take.Outcome.COMPLETED and not reading.closed:
        problems.append("The end of the journal is cut off, after the last microphone frame.")
    if reading.repeated:
        problems.append(f"{reading.repeated} records appear twice in the journal; they are filed once.")
    return problems


def _frames(count: int) -> str:
    return f"{count} microphone frames ({count * UPLINK_SAMPLES / SAMPLE_RATE_HZ:.1f} s)"
