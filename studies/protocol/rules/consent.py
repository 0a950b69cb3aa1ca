"""What has to be agreed to for what a study does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from inference.contract.catalog import ENGINES
from studies.errors import Problem
from studies.protocol.rules.catalogue import engines_of
from studies.protocol.schema import Protocol
from studies.protocol.voices import converts


def check(protocol: Protocol) -> Iterator[Problem]:
    """For a protocol whose engines and voices are in the catalogue."""
    required: dict[str, bool] = {purpose.key: purpose.required for purpose in protocol.consent.purposes}
    for key in ("participate", "record"):
        if not required.get(key, False):
            yield Problem("consent.purposes", f"{key} must be there and required: every talk is recorded")
    if required.get("voice_donation", False):
        yield Problem("consent.purposes", "voice_donation must be voluntary: add required: false to it")
    if any(converts(cell.voices) for cell in protocol.cells()):
        if "convert" not in required:
            yield Problem("consent.purposes", "convert must be there: a condition changes the participant's voice")
        elif protocol.kind == "planned" and not required["convert"]:
            yield Problem("consent.purposes", "convert must be required: the plan of a planned study needs every voice")
    elif protocol.hear_yourself != "off" and "convert" not in required:
        yield Problem("hear_yourself", "takes the consent to convert: add that purpose to consent, or set it to off")
    yield from _check_third_party(protocol, required)


def _check_third_party(protocol: Protocol, required: Mapping[str, bool]) -> Iterator[Problem]:
    """`required`: purpose -> whether nobody takes part without it."""
    engines = [engine for _, engine in engines_of(protocol)]
    abroad = [engine for engine in engines if ENGINES[engine].third_party]
    if not abroad:
        return
    sends = f"{ENGINES[abroad[0]].label} sends the participant's voice to somebody else"
    if "third_party" not in required:
        purpose = "{key: third_party, label: My voice may be sent to a model run by somebody else.}"
        yield Problem("consent.purposes", f"third_party must be there: {sends}; add {purpose}")
    elif not required["third_party"] and (protocol.kind == "planned" or abroad == engines):
        why = (
            "the plan of a planned study needs every engine"
            if protocol.kind == "planned"
            else "there is no other engine"
        )
        yield Problem("consent.purposes", f"third_party must be required: {sends}, and {why}")
