"""How late the engine hears the participant: the same under all conditions of a study that matches delays."""

from __future__ import annotations

from collections.abc import Mapping

from inference.contract.latency import latency_samples
from studies.errors import Problem
from studies.protocol.cells import Segment
from studies.protocol.reading.problems import path_of
from studies.protocol.schema import Protocol
from studies.protocol.voices import resolved


def common_latency_samples(protocol: Protocol, told: Mapping[str, int]) -> int | None:
    """The latency of the study's slowest voice, which all get; None for a study that does not match delays. For one
    that `check_delay` lets pass.

    `told`: converter -> latency of those whose parameters do not tell, as inference workers report it."""
    if not protocol.match_delay:
        return None
    latencies = [_latency_samples(segment, told) for cell in protocol.cells() for segment in cell.voices]
    return max((latency for latency in latencies if latency is not None), default=0)


def check_delay(protocol: Protocol, told: Mapping[str, int]) -> list[Problem]:
    """The voices of which nobody knows how late they are, in a study that matches delays."""
    if not protocol.match_delay:
        return []
    return [
        Problem(
            path_of((*place, index)),
            f"how late {segment.converter} is can only be told by an inference worker that runs it, and none has "
            "reported; start one and publish again, or set match_delay: false",
        )
        for place, segments in protocol.schedules()
        for index, segment in enumerate(segments)
        if _latency_samples(segment, told) is None
    ]


def _latency_samples(segment: Segment, told: Mapping[str, int]) -> int | None:
    voice = resolved(segment)
    known = latency_samples(voice["converter"], voice["parameters"])
    return told.get(voice["converter"]) if known is None else known
