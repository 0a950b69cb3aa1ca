"""Delays that match: known from parameters, or told by inference workers, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.contract.latency import transform_latency_samples
from studies.errors import Problem
from studies.protocol.cells import Segment
from studies.protocol.reading.document import parse, parse_yaml, to_yaml
from studies.protocol.schema import Protocol
from studies.protocol.voices import check_delay, common_latency_samples
from tests.studies.protocol.documents import explore, paired

MS = SAMPLE_RATE_HZ // 1_000


def heard_through(*voices: dict[str, Any], **changes: Any) -> Protocol:
    document = paired(**changes)
    document["conditions"][1]["voices"] = list(voices)
    return parse(document)


@pytest.mark.parametrize(
    ("voices", "latency_samples"),
    [
        ([{"preset": "natural"}], 0),
        ([{"preset": "higher"}], transform_latency_samples(60)),
        ([{"converter": "transform", "parameters": {"floor_hz": 110.0}}], transform_latency_samples(110)),
        (
            [
                {"converter": "resynthesis", "parameters": {"floor_hz": 60.0}, "end_sec": 5.0},
                {"converter": "transform", "parameters": {"floor_hz": 110.0}, "start_sec": 5.0},
            ],
            transform_latency_samples(60),
        ),
    ],
    ids=["nothing is changed", "a preset", "its own parameters", "the slowest of a schedule"],
)
def test_slowest_voice_sets_the_delay_of_all(voices: list[dict[str, Any]], latency_samples: int) -> None:
    assert common_latency_samples(heard_through(*voices), {}) == latency_samples


def test_study_that_does_not_match_has_none() -> None:
    assert common_latency_samples(heard_through({"preset": "higher"}, match_delay=False), {}) is None


def test_free_voice_counts() -> None:
    document = explore()
    document["offer"] |= {"free_voice": True, "voices": document["offer"]["voices"][:1]}
    assert common_latency_samples(parse(document), {}) == transform_latency_samples(60)


def with_remote(**changes: Any) -> Protocol:
    """A protocol with a converter that only workers know, as it stands once its names are checked."""
    protocol = heard_through({"preset": "higher"}, **changes)
    conditions = [*protocol.conditions]
    conditions[0] = conditions[0].model_copy(update={"voices": [Segment(converter="remote", target="anna")]})
    return protocol.model_copy(update={"conditions": conditions})


def test_delay_that_workers_tell_counts() -> None:
    assert check_delay(with_remote(), {"remote": 300 * MS}) == []
    assert common_latency_samples(with_remote(), {"remote": 300 * MS}) == 300 * MS
    assert common_latency_samples(with_remote(), {"remote": 10 * MS}) == transform_latency_samples(60)


def test_delay_that_nobody_knows_is_a_problem_where_it_is_to_match() -> None:
    assert check_delay(with_remote(), {"other": 300 * MS}) == [
        Problem(
            "conditions[0].voices[0]",
            "how late remote is can only be told by an inference worker that runs it, and none has reported; "
            "start one and publish again, or set match_delay: false",
        )
    ]
    assert check_delay(with_remote(match_delay=False), {}) == []


@pytest.mark.parametrize(("written", "meant"), [("off", "off"), ("'off'", "off"), ("preview", "preview")])
def test_hear_yourself_may_be_written_as_yaml_reads_it(written: str, meant: str) -> None:
    text = f"{to_yaml(parse(paired()))}hear_yourself: {written}\n"
    protocol = parse_yaml(text)
    assert protocol.hear_yourself == meant
    assert parse_yaml(to_yaml(protocol)) == protocol
