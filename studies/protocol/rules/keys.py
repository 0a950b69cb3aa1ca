"""Keys that may stand once, each in its own list; those of items once in the whole study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from studies.errors import Problem
from studies.protocol.reading.problems import path_of
from studies.protocol.rules.asking import asked_items
from studies.protocol.schema import Protocol
from studies.questions.fields import Place

Named = tuple[Place, str]


def check(protocol: Protocol) -> Iterator[Problem]:
    for names in _lists(protocol):
        first: dict[str, Place] = {}
        for place, name in names:
            if name in first:
                there = path_of(first[name])
                yield Problem(path_of(place), f"{name!r} already exists, at {there}; it must be unique")
            first.setdefault(name, place)


def _lists(protocol: Protocol) -> Iterator[Iterable[Named]]:
    yield _keyed(protocol.consent.purposes, "consent", "purposes")
    for name in ("prompts", "conditions", "questionnaires", "quotas"):
        yield _keyed(getattr(protocol, name), name)
    yield [((*asked.place, "key"), asked.item.key) for asked in asked_items(protocol)]
    for asked in asked_items(protocol):
        for field, keys in asked.item.key_lists().items():
            yield [((*asked.place, field, index, "key"), key) for index, key in enumerate(keys)]
        yield _plain(asked.item.prompts or [], *asked.place, "prompts")
    for index, questionnaire in enumerate(protocol.questionnaires):
        yield _plain(questionnaire.prompts or [], "questionnaires", index, "prompts")
        for number, insertion in enumerate(questionnaire.insertions):
            yield _plain(insertion.prompts, "questionnaires", index, "insertions", number, "prompts")
    yield from _of_talks(protocol)
    yield _keyed(protocol.design.variants, "design", "variants")
    yield _keyed(protocol.design.blocks, "design", "blocks")
    for index, block in enumerate(protocol.design.blocks):
        yield _plain(block.prompts, "design", "blocks", index, "prompts")
        yield _plain(block.conditions, "design", "blocks", index, "conditions")
    yield _keyed(protocol.allocation.groups, "allocation", "groups")
    yield _plain(protocol.allocation.strata, "allocation", "strata")
    yield _plain(protocol.recruiter.frame_origins, "recruiter", "frame_origins")
    if protocol.offer is not None:
        yield [(("offer", "engines", index), offer.name) for index, offer in enumerate(protocol.offer.engines)]
        yield _keyed(protocol.offer.voices, "offer", "voices")


def _of_talks(protocol: Protocol) -> Iterator[Iterable[Named]]:
    for index, prompt in enumerate(protocol.prompts):
        sections = enumerate(prompt.sections)  # translations name them by their kind
        yield [(("prompts", index, "sections", number, "kind"), section.kind) for number, section in sections]
        if prompt.analysis is not None:
            yield _keyed(prompt.analysis.critical_units, "prompts", index, "analysis", "critical_units")
            yield _keyed(prompt.analysis.outcomes, "prompts", index, "analysis", "outcomes")
    for index, pair in enumerate(protocol.pairs):
        yield _plain(pair.conditions, "pairs", index, "conditions")


def _keyed(parts: Iterable[object], *place: int | str) -> list[Named]:
    return [((*place, index, "key"), part.key) for index, part in enumerate(parts)]  # type: ignore[attr-defined]


def _plain(names: Iterable[str], *place: int | str) -> list[Named]:
    return [((*place, index), name) for index, name in enumerate(names)]
