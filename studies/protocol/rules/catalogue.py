"""Names from the catalogue: engines with their options, presets, converters with their parameters; the offer; and what
has to be agreed to for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from inference.contract.catalog import ENGINES, check_options
from studies.errors import Problem
from studies.protocol.cells import FREE_VOICE, ConditionCell, EngineOffer
from studies.protocol.reading.problems import option_problem, path_of, suggestion
from studies.protocol.schema import Protocol, offer_key
from studies.protocol.voices import check_schedule, converts
from studies.questions.fields import Place

LONGEST_KEY = 50
LONGEST_LABEL = 120


def check(protocol: Protocol) -> Iterator[Problem]:
    for place, named in _named(protocol):
        yield from _check_engine(place, named)
    for place, segments in protocol.schedules():
        yield from check_schedule(segments, *place)
    yield from _check_offer(protocol)


def engines_of(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """(path, engine name) of every engine named."""
    for place, named in _named(protocol):
        yield path_of((*place, "engine")), named.engine


def _named(protocol: Protocol) -> Iterator[tuple[Place, ConditionCell | EngineOffer]]:
    for index, condition in enumerate(protocol.conditions):
        yield ("conditions", index), condition
    for index, offer in enumerate(protocol.offer.engines if protocol.offer else ()):
        yield ("offer", "engines", index), offer


def _check_engine(place: Place, named: ConditionCell | EngineOffer) -> Iterator[Problem]:
    engine = named.engine
    if engine not in ENGINES:
        message = f"there is no engine called {engine!r}; {suggestion(engine, ENGINES)}"
        yield Problem(path_of((*place, "engine")), message)
        return
    for error in check_options(engine, named.options):
        yield option_problem(error, (*place, "options"))


def _check_offer(protocol: Protocol) -> Iterator[Problem]:
    if protocol.offer is None:
        return
    engines = [offer.name for offer in protocol.offer.engines]
    longest = max(engines, key=len)
    for index, voice in enumerate(protocol.offer.voices):
        place: Place = ("offer", "voices", index)
        if protocol.offer.free_voice and voice.key == FREE_VOICE.key:
            yield Problem(path_of(place), f"{voice.key!r} stands for the free voice; choose another key")
        excess = len(offer_key(longest, voice.key)) - LONGEST_KEY
        if excess > 0:
            most = len(voice.key) - excess
            yield Problem(path_of((*place, "key")), f"is {len(voice.key)} characters long; expected at most {most}")
        if len(engines) > 1 and len(voice.label) + len(f", {longest}") > LONGEST_LABEL:
            most = LONGEST_LABEL - len(f", {longest}")
            yield Problem(path_of((*place, "label")), f"is {len(voice.label)} characters long; expected at most {most}")


def check_consent(protocol: Protocol) -> Iterator[Problem]:
    """For a protocol whose engines and voices are in the catalogue."""
    required: dict[str, bool] = {purpose.key: purpose.required for purpose in protocol.consent.purposes}
    for key in ("participate", "record"):
        if not required.get(key, False):
            yield Problem("consent.purposes", f"{key} must be present and required: every conversation is recorded")
    if required.get("voice_donation", False):
        yield Problem("consent.purposes", "voice_donation must be voluntary: add required: false to it")
    if any(converts(cell.voices) for cell in protocol.cells()):
        if "convert" not in required:
            yield Problem("consent.purposes", "convert must be present: a condition changes the participant's voice")
        elif protocol.kind == "planned" and not required["convert"]:
            yield Problem("consent.purposes", "convert must be required: the plan of a planned study needs every voice")
    elif protocol.hear_yourself != "off" and "convert" not in required:
        yield Problem(
            "hear_yourself", "needs consent to conversion: add the purpose convert to consent, or set this to off"
        )
    yield from _check_third_party(protocol, required)


def _check_third_party(protocol: Protocol, required: Mapping[str, bool]) -> Iterator[Problem]:
    """`required`: purpose -> whether nobody takes part without it."""
    engines = [engine for _, engine in engines_of(protocol)]
    abroad = [engine for engine in engines if ENGINES[engine].third_party]
    if not abroad:
        return
    sends = f"{ENGINES[abroad[0]].label} sends the participant's voice to a third party"
    if "third_party" not in required:
        purpose = "{key: third_party, label: My voice may be sent to a model that is run by a third party.}"
        yield Problem("consent.purposes", f"third_party must be present: {sends}; add {purpose}")
    elif not required["third_party"] and (protocol.kind == "planned" or abroad == engines):
        why = (
            "the plan of a planned study needs every engine"
            if protocol.kind == "planned"
            else "there is no other engine"
        )
        yield Problem("consent.purposes", f"third_party must be required: {sends}, and {why}")
