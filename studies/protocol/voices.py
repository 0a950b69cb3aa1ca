"""Voices of a protocol: target voices, where they are named and what keeps one from being used; a segment of a schedule
as it is stored and run, with converter, preset and parameters spelt out; and the delay with which the engine hears the
participant, the same under all conditions of a study that matches delays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from inference.contract.catalog import CONVERTERS
from inference.contract.latency import latency_samples
from inference.contract.parameters import check_parameters
from inference.contract.presets import PRESETS
from studies.errors import Problem
from studies.protocol.cells import Segment
from studies.protocol.reading.problems import option_problem, path_of, suggestion
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
        return [
            Problem(
                path_of((*place, "target")), f"{converter} does not use a target voice; converters that do: {takers}"
            )
        ]
    return []


def resolved(segment: Segment, targets: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> dict[str, Any]:
    """{converter, preset, parameters, start_sec, end_sec} of a segment that `check_schedule` lets pass, with what
    `targets` has of its target voice under `target`; without that key where it has none."""
    preset = PRESETS[segment.preset] if segment.preset is not None else None
    parameters = preset.parameters if preset else {k: v for k, v in segment.parameters.items() if v is not None}
    target = {"target": dict(targets[segment.target])} if segment.target and segment.target in targets else {}
    fallback = {"if_lost": segment.if_lost} if segment.if_lost is not None else {}
    return {
        **target,
        **fallback,
        "converter": preset.converter if preset else segment.converter,
        "preset": segment.preset or "",
        "parameters": dict(parameters),
        "start_sec": segment.start_sec,
        "end_sec": segment.end_sec,
    }


def converts(segments: Sequence[Segment]) -> bool:
    """Whether the voice is changed or resynthesised anywhere, so that `convert` must be agreed to."""
    return any(resolved(segment)["converter"] != "none" for segment in segments)


def check_schedule(segments: Sequence[Segment], *place: int | str) -> list[Problem]:
    """What is wrong with a schedule at `place`: names, parameters, and times that do not follow one another."""
    problems: list[Problem] = []
    for index, segment in enumerate(segments):
        problems += _check_names(segment, (*place, index))
        expected = segments[index - 1].end_sec if index else 0.0
        if expected is None:
            problems.append(
                Problem(
                    path_of((*place, index - 1, "end_sec")),
                    "has no end, but another segment follows; state when it ends",
                )
            )
        elif segment.start_sec != expected:
            problems.append(
                Problem(
                    path_of((*place, index, "start_sec")),
                    f"is {segment.start_sec:g}; expected {expected:g}, where "
                    + ("the one before it ends" if index else "the conversation begins"),
                )
            )
        if segment.end_sec is not None and segment.end_sec <= segment.start_sec:
            problems.append(Problem(path_of((*place, index, "end_sec")), "must come after start_sec"))
    if segments and segments[-1].end_sec is not None:
        problems.append(
            Problem(
                path_of((*place, len(segments) - 1, "end_sec")), "must be left out: the last segment lasts to the end"
            )
        )
    return problems


def _check_names(segment: Segment, place: tuple[int | str, ...]) -> list[Problem]:
    if segment.preset is not None:
        if segment.preset not in PRESETS:
            message = f"there is no preset called {segment.preset!r}; {suggestion(segment.preset, PRESETS)}"
            return [Problem(path_of((*place, "preset")), message)]
        return [
            Problem(path_of((*place, name)), "is set by the preset; leave one of the two out")
            for name, given in (("converter", segment.converter), ("parameters", segment.parameters))
            if given
        ] + check_target(PRESETS[segment.preset].converter, segment, place)
    if segment.converter is None:
        return [Problem(path_of(place), "needs a preset or a converter")]
    if segment.converter not in CONVERTERS:
        message = f"there is no converter called {segment.converter!r}; {suggestion(segment.converter, CONVERTERS)}"
        return [Problem(path_of((*place, "converter")), message)]
    errors = check_parameters(segment.converter, segment.parameters)
    problems = [option_problem(error, (*place, "parameters")) for error in errors]
    return problems + check_target(segment.converter, segment, place)


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
