"""Reads a whole journal into what filing needs: three lanes, the events in order, and counts. It writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from inference.contract.audio import FRAME_SAMPLES, UPLINK_PER_FRAME, UPLINK_SAMPLES
from inference.contract.errors import WireError
from inference.contract.wire import AUDIO_HEADER, AUDIO_KINDS, Kind, Playback, decode
from studies.talk.filing.timeline import Delayed, Lane, SlotClock, playback_delay_samples
from studies.talk.journal.arrival import ArrivalClock
from studies.talk.journal.file import read_journal
from studies.talk.journal.records import Damage, Record

COUNTED: Final = {
    "missing": "missing_frames",  # sequences that never reached the relay
    "lost": "browser_lost_frames",  # the part of these that the browser reports it could not keep
    "overflow": "overflow_frames",  # steps that the engine did not hear
    "gap": "skipped_frames",  # agent frames that were not sent to a slow browser
}
TIMES: Final = {
    "slip": "slips",
    "stalled": "stalls",
    "connect": "sockets",
    "returned": "engine_reconnects",  # reconnections to the same inference worker
    "moved": "engine_moves",  # moves to another inference worker
}
TAKEN_FROM_END: Final = ("duplicates", "early")


@dataclass(slots=True)
class Reading:
    """A take as recorded in its journal."""

    participant: Lane = field(default_factory=Lane)
    heard: Lane = field(default_factory=Lane)
    agent: Lane = field(default_factory=Lane)
    latency_samples: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    device: dict[str, Any] = field(default_factory=dict)
    live: dict[str, Any] = field(default_factory=dict)
    steps: list[tuple[int, int]] = field(default_factory=list)  # (step, place) of agent frames
    places: list[int] = field(default_factory=list)  # places of agent frames, including those that were lost
    reports: list[tuple[int, int]] = field(default_factory=list)  # (sounding step, place)
    counts: Counter[str] = field(default_factory=Counter)
    damage: list[Damage] = field(default_factory=list)
    backfilled: list[list[int]] = field(default_factory=list)  # [first sample, samples] that came after a reconnect
    next_sequence: int = 0  # after the last microphone frame
    repeated: int = 0  # records that stand there more than once
    closed: bool = False  # the relay wrote the end

    @property
    def duration(self) -> int:
        """The length of the longest lane in samples; all tracks are given this length."""
        return max(self.participant.end, self.heard.end, self.agent.end)

    @property
    def clock(self) -> SlotClock:
        return SlotClock(self.places)

    def events_by_name(self) -> list[dict[str, Any]]:
        """Returns the events as the wire encodes them, with "event" first."""
        return [{**event, "event": event["type"]} for event in self.events]

    def summary(self) -> dict[str, int]:
        """Returns `Take.counts`: the number of irregularities of each kind, including the zeros."""
        delay = playback_delay_samples(self.reports, self.steps)
        counts = self.counts
        return {
            "frames": counts["frames"],
            "lost_samples": sum(samples for _, samples in self.participant.gaps(self.participant.end)),
            "reconnects": max(0, counts["sockets"] - 1),
            "engine_reconnects": counts["engine_reconnects"],
            "engine_moves": counts["engine_moves"],
            "underruns": counts["underruns"],
            "slips": counts["slips"],
            "stalls": counts["stalls"],
            **{name: counts[name] for name in (*COUNTED.values(), *TAKEN_FROM_END)},
            "damaged_bytes": sum(part.size for part in self.damage),
            **({"voice_delay_samples": self.latency_samples} if self.live else {}),
            **({} if delay is None else {"playback_delay_samples": delay}),
        }


def read_take(path: Path) -> Reading:
    """Reads everything readable, whatever the state of the file. Raises RecordingError if it cannot be opened."""
    reading = Reading()
    heard: Delayed | None = None
    arrival = ArrivalClock()
    first_us: int | None = None
    captured: dict[int, int] = {}  # the place of each microphone frame
    read: set[object] = set()  # of every record, what distinguishes it from all others
    with read_journal(path) as records:
        for found in records:
            if isinstance(found, Damage):
                reading.damage.append(found)
                if heard is not None:
                    heard.lost()
                continue
            if repeats(found, read):
                reading.repeated += 1
                continue
            first_us = found.time_us if first_us is None else first_us
            if found.kind in AUDIO_KINDS:
                if len(found.message) <= AUDIO_HEADER.size:
                    continue
                number, sample = found.place
                match found.kind:
                    case Kind.PARTICIPANT:
                        reading.counts["frames"] += 1
                        start = max(reading.participant.end, sample)
                        captured[number] = start
                        reading.next_sequence = max(reading.next_sequence, number + 1)
                        reading.participant.add(sample, found.pcm)
                        if arrival.is_backfill(sample, found.time_us):
                            _mark(reading.backfilled, start, reading.participant.end)
                    case Kind.AGENT:
                        reading.steps.append(found.place)
                        reading.places.append(sample)
                        reading.agent.add(sample, found.pcm)
                    case _ if heard is not None:
                        heard.add(_places(captured, number, sample), found.pcm)
                continue
            event = _event(found)
            if event.get("event") == "connect":
                arrival.reconnected(found.time_us)
            if event.get("event") == "live" and heard is None:
                reading.latency_samples = int(event.get("latency_samples") or 0)
                heard = Delayed(reading.heard, reading.latency_samples)
            elif event.get("event") == "overflow" and event.get("direction") == "downlink" and heard is not None:
                heard.lost()
                last = reading.places[-1] if reading.places else -FRAME_SAMPLES
                lost = range(1, int(event.get("frames") or 0) + 1)
                reading.places.extend(last + FRAME_SAMPLES * number for number in lost)
            _note(reading, event, (found.time_us - first_us) / 1_000)
    return reading


def repeats(record: Record, read: set[object]) -> bool:
    """Returns whether a record is among those `read`, and adds it.

    A frame is told by its track and number, and anything else by its time and contents."""
    is_frame = record.kind in AUDIO_KINDS and len(record.message) > AUDIO_HEADER.size
    key = (record.kind, record.place[0]) if is_frame else hash((record.time_us, record.message))
    if key in read:
        return True
    read.add(key)
    return False


def _places(captured: Mapping[int, int], step: int, sample: int) -> list[int]:
    """Returns the places of a step's microphone frames, which are not contiguous where the capture clock jumped."""
    frames = range(UPLINK_PER_FRAME)
    return [captured.get(step * UPLINK_PER_FRAME + frame, sample + frame * UPLINK_SAMPLES) for frame in frames]


def _mark(stretches: list[list[int]], start: int, end: int) -> None:
    """Adds a stretch after all others, or extends the last one if the two are contiguous."""
    if stretches and sum(stretches[-1]) == start:
        stretches[-1][1] += end - start
    else:
        stretches.append([start, end - start])


def _event(record: Record) -> dict[str, Any]:
    """Returns an event, playback report or error as a JSON object with "event", and an empty one for anything else."""
    if record.kind == Kind.METADATA:
        return record.event()
    if record.kind == Kind.ERROR:
        return {**record.event(), "event": "error"}
    try:
        message = decode(record.message)
    except WireError:
        return {}
    if isinstance(message, Playback):
        return {
            "event": "playback",
            "received_step": message.received_step,
            "sounding_step": message.sounding_step,
            "sample": message.sample,
            "depth_samples": message.depth_samples,
            "underruns": message.underruns,
        }
    return {}


def _note(reading: Reading, event: Mapping[str, Any], at_ms: float) -> None:
    name = event.get("event")
    if not isinstance(name, str):
        return
    reading.events.append({"at_ms": round(at_ms, 3), "type": name, **{k: v for k, v in event.items() if k != "event"}})
    counts = reading.counts
    if name in TIMES:
        counts[TIMES[name]] += 1
    match name:
        case "live" if not reading.live:
            reading.live = dict(event)
        case "device" if isinstance(event.get("settings"), dict):
            reading.device = event["settings"]
        case "playback":
            reading.reports.append((event["sounding_step"], event["sample"]))
            counts["underruns"] = max(counts["underruns"], event["underruns"])
        case "closed":
            reading.closed = True
            counts.update({key: int(event.get(key) or 0) for key in TAKEN_FROM_END})
        case "slip":
            reading.participant.slipped(event["sample"], event["slipped_samples"])
        case _ if name in COUNTED:
            counts[COUNTED[name]] += int(event.get("frames") or 0)
