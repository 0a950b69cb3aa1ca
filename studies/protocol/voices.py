"""Turns a segment of a voice schedule into what is stored and run: converter, preset and parameters spelt out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from inference.contract.catalog import CONVERTERS
from inference.contract.parameters import check_parameters
from inference.contract.presets import PRESETS
from studies.errors import Problem
from studies.protocol.cells import Segment
from studies.protocol.reading.problems import option_problem, path_of, suggestion
from studies.protocol.targets import check_target


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
                    path_of((*place, index - 1, "end_sec")), "is open, but another segment follows; say when it ends"
                )
            )
        elif segment.start_sec != expected:
            problems.append(
                Problem(
                    path_of((*place, index, "start_sec")),
                    f"is {segment.start_sec:g}; expected {expected:g}, where "
                    + ("the one before it ends" if index else "the talk begins"),
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
