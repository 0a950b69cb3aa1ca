"""What ties the fields of a protocol together: keys that are unique and exist, names in the catalogue, consent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from inference.catalog import ENGINES
from studies.errors import Problem
from studies.protocol.problems import path_of, suggestion
from studies.protocol.schema import FREE_VOICE, Choice, Protocol
from studies.protocol.voices import check_schedule, converts


def check(protocol: Protocol) -> list[Problem]:
    """Everything wrong with a protocol whose fields are each all right."""
    problems = [*_check_keys(protocol), *_check_kind(protocol), *_check_references(protocol), *_check_names(protocol)]
    return problems or list(_check_consent(protocol))  # which voices convert is known once their names are right


def check_publishable(protocol: Protocol) -> list[Problem]:
    """What keeps a valid protocol from being published: engines that are for tests alone."""
    return [
        Problem(path, f"{ENGINES[engine].label} is for tests and set-up; choose another engine to publish")
        for path, engine in _engines(protocol)
        if not ENGINES[engine].selectable
    ]


def _check_keys(protocol: Protocol) -> Iterator[Problem]:
    lists: list[tuple[str, Sequence[str]]] = [
        ("prompts", [prompt.key for prompt in protocol.prompts]),
        ("conditions", [condition.key for condition in protocol.conditions]),
        ("ratings", [item.key for item in protocol.ratings]),
        ("comparison", [item.key for item in protocol.comparison]),
        ("consent.purposes", [purpose.key for purpose in protocol.consent.purposes]),
    ]
    for index, item in enumerate(protocol.ratings):
        if isinstance(item, Choice):
            lists.append((f"ratings[{index}].options", [option.key for option in item.options]))
    if protocol.offer is not None:
        lists.append(("offer.engines", [engine.engine for engine in protocol.offer.engines]))
        lists.append(("offer.voices", [voice.key for voice in protocol.offer.voices]))
        if protocol.offer.free_voice and FREE_VOICE.key in lists[-1][1]:
            message = f"{FREE_VOICE.key!r} stands for the free voice; choose another key"
            yield Problem(f"offer.voices[{lists[-1][1].index(FREE_VOICE.key)}]", message)
    for path, keys in lists:
        for index, key in enumerate(keys):
            if key in keys[:index]:
                yield Problem(f"{path}[{index}]", f"{key!r} is there already; each key may stand once")


def _check_kind(protocol: Protocol) -> Iterator[Problem]:
    paired = protocol.kind == "paired"
    for name in ("conditions", "pairs"):
        if paired and not getattr(protocol, name):
            yield Problem(name, "a paired study needs at least one")
        if not paired and getattr(protocol, name):
            yield Problem(name, "belongs to kind paired; an explore study has an offer")
    if paired and protocol.offer is not None:
        yield Problem("offer", "belongs to kind explore; a paired study lists conditions and pairs")
    if not paired and protocol.offer is None:
        yield Problem("offer", "an explore study needs one: which engines and voices visitors may choose")
    for name in ("ratings", "comparison"):
        if not paired and getattr(protocol, name):
            yield Problem(name, "is asked in paired studies only")


def _check_references(protocol: Protocol) -> Iterator[Problem]:
    prompts = [prompt.key for prompt in protocol.prompts]
    conditions = [condition.key for condition in protocol.conditions]
    for index, pair in enumerate(protocol.pairs):
        if pair.prompt not in prompts:
            message = f"there is no prompt called {pair.prompt!r}; {suggestion(pair.prompt, prompts)}"
            yield Problem(path_of(("pairs", index, "prompt")), message)
        for side, key in enumerate(pair.conditions):
            if key not in conditions:
                message = f"there is no condition called {key!r}; {suggestion(key, conditions)}"
                yield Problem(path_of(("pairs", index, "conditions", side)), message)


def _check_names(protocol: Protocol) -> Iterator[Problem]:
    for path, engine in _engines(protocol):
        if engine not in ENGINES:
            yield Problem(path, f"there is no engine called {engine!r}; {suggestion(engine, ENGINES)}")
    for index, condition in enumerate(protocol.conditions):
        yield from check_schedule(condition.voices, "conditions", index, "voices")
    if protocol.offer is not None:
        for index, voice in enumerate(protocol.offer.voices):
            yield from check_schedule(voice.voices, "offer", "voices", index, "voices")


def _check_consent(protocol: Protocol) -> Iterator[Problem]:
    required: dict[str, bool] = {purpose.key: purpose.required for purpose in protocol.consent.purposes}
    for key in ("participate", "record"):
        if not required.get(key, False):
            yield Problem("consent.purposes", f"{key} must be there and required: every talk is recorded")
    if required.get("voice_donation", False):
        yield Problem("consent.purposes", "voice_donation must be voluntary: add required: false to it")
    if any(converts(cell.voices) for cell in protocol.cells()):
        if "convert" not in required:
            yield Problem("consent.purposes", "convert must be there: a condition changes the participant's voice")
        elif protocol.kind == "paired" and not required["convert"]:
            yield Problem("consent.purposes", "convert must be required: the plan of a paired study needs every voice")
    elif protocol.hear_yourself != "off" and "convert" not in required:
        yield Problem("hear_yourself", "takes the consent to convert: add that purpose to consent, or set it to off")
    yield from _check_third_party(protocol, required)


def _check_third_party(protocol: Protocol, required: Mapping[str, bool]) -> Iterator[Problem]:
    """`required`: purpose -> whether nobody takes part without it."""
    engines = [engine for _, engine in _engines(protocol)]
    abroad = [engine for engine in engines if ENGINES[engine].third_party]
    if not abroad:
        return
    sends = f"{ENGINES[abroad[0]].label} sends the participant's voice to somebody else"
    if "third_party" not in required:
        purpose = "{key: third_party, label: My voice may be sent to a model run by somebody else.}"
        yield Problem("consent.purposes", f"third_party must be there: {sends}; add {purpose}")
    elif not required["third_party"] and (protocol.kind == "paired" or abroad == engines):
        why = (
            "the plan of a paired study needs every engine" if protocol.kind == "paired" else "there is no other engine"
        )
        yield Problem("consent.purposes", f"third_party must be required: {sends}, and {why}")


def _engines(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """(path, engine name) of every engine named."""
    for index, condition in enumerate(protocol.conditions):
        yield path_of(("conditions", index, "engine")), condition.engine
    for index, offer in enumerate(protocol.offer.engines if protocol.offer else ()):
        yield path_of(("offer", "engines", index, "engine")), offer.engine
