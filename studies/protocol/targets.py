"""Target voices in a protocol: where they are named, and what keeps one from being used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from inference.contract.catalog import CONVERTERS
from studies.errors import Problem
from studies.protocol.cells import Segment
from studies.protocol.reading.problems import path_of, suggestion
from studies.protocol.schema import Protocol

Place = tuple[int | str, ...]


def targets_of(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """(path, key) of every target voice that is named."""
    for place, segments in protocol.schedules():
        for index, segment in enumerate(segments):
            if segment.target is not None:
                yield path_of((*place, index, "target")), segment.target


def check_targets(protocol: Protocol, obstacles: Mapping[str, str]) -> list[Problem]:
    """What keeps the named voices from being used. `obstacles`: key of each voice the study may use -> why it cannot
    be used now, or ""."""
    problems = []
    for path, key in targets_of(protocol):
        if key not in obstacles:
            problems.append(Problem(path, f"there is no target voice called {key!r}; {suggestion(key, obstacles)}"))
        elif obstacles[key]:
            problems.append(Problem(path, f"{key} cannot be used: {obstacles[key]}"))
    return problems


def check_target(converter: str, segment: Segment, place: Place) -> list[Problem]:
    """Whether a segment names a target voice exactly when its converter needs one, and what is to happen when such a
    converter is lost only there."""
    needed, target = CONVERTERS[converter].needs_target, segment.target
    if segment.if_lost is not None and not needed:
        return [Problem(path_of((*place, "if_lost")), f"{converter} runs beside the engine and cannot be lost alone")]
    if needed and target is None:
        return [Problem(path_of(place), f"{converter} turns one voice into another: add target: and a voice's key")]
    if target is not None and not needed:
        takers = ", ".join(sorted(name for name, entry in CONVERTERS.items() if entry.needs_target)) or "none here"
        return [Problem(path_of((*place, "target")), f"{converter} takes no target voice; those that do: {takers}")]
    return []
