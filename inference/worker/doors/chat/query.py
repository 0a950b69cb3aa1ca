"""Turns the address of a chat client into a slot request.

The names come from the servers for which such clients were written: Moshi's in Rust (kyutai-labs/moshi,
rust/moshi-backend, SessionConfigReq) and PersonaPlex's. `engine` and `voice` are our own.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

from inference.contract.catalog import ENGINES, sends_to_third_party, served_by
from inference.contract.errors import OptionError, UnknownName
from inference.contract.presets import PRESETS
from inference.contract.tokens import SlotRequest, VoiceSegment

# engine -> {name in the address: option of the engine}
SAMPLING: Final[Mapping[str, Mapping[str, str]]] = {
    "moshi": {
        "text_temperature": "text_temperature",
        "text_topk": "text_top_k",
        "audio_temperature": "temperature",
        "audio_topk": "top_k",
    },
    "cascade": {"text_temperature": "temperature"},
}
FLOATS: Final = ("text_temperature", "audio_temperature")
WHOLES: Final = ("text_topk", "audio_topk")
# Moshi's other options, with the values that have no effect; no engine here has them
NEUTRAL: Final[Mapping[str, float | None]] = {
    "pad_mult": 0.0,
    "repetition_penalty": 1.0,
    "repetition_penalty_context": None,
}
SEEDS: Final = ("seed", "text_seed", "audio_seed")
OURS: Final = ("engine", "voice", "text_prompt", "voice_prompt", "max_steps")
# added by the clients' own sites about the visitor and the page; neither read nor kept
DISREGARDED: Final = frozenset(
    {"email", "worker_auth_id", "session_auth_id", "session_id", "image_resolution", "image_url", "token"}
)
KNOWN: Final = (*OURS, *SEEDS, *FLOATS, *WHOLES, *NEUTRAL)
MAX_SEED: Final = 2**31 - 1
MAX_STEPS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The request of a chat client. With `max_steps` None it lasts until somebody ends it.

    `unused` are sampling parameters that the engine does not have. The stock web clients send them to every server, so
    the client is told about them instead of being refused."""

    slot: SlotRequest
    max_steps: int | None = None
    unused: tuple[str, ...] = ()


def read_query(
    query: str, engines: Sequence[str], snapshots: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
) -> ChatRequest:
    """Parses the query string of a chat address. `engines` are the worker's; the first is the default.

    Raises UnknownName or OptionError for a name that the protocol's clients do not use, an invalid value, an engine
    that the worker does not have, and a missing name of an engine that must be named."""
    given: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        if name in given:
            raise OptionError(name, "given twice", "one value")
        if name not in KNOWN and name not in DISREGARDED:
            raise OptionError(name[:40], value[:40], f"none of this name; there are {', '.join(KNOWN)}")
        given[name] = value
    engine = _engine(given.get("engine", ""), engines, snapshots)
    options, unused = _sampling(given, engine)
    seed = _seed(given)
    slot = SlotRequest(
        take=f"chat-{secrets.token_hex(8)}",
        engine=engine,
        options=options,
        text_prompt=given.get("text_prompt", ""),
        voice_prompt=given.get("voice_prompt", ""),
        seed=seed,
        voices=(_voice(given.get("voice") or "natural", seed),),
    )
    limit = _whole(given, "max_steps", 1, MAX_STEPS) if given.get("max_steps") else None
    return ChatRequest(slot, limit, unused)


def _engine(name: str, engines: Sequence[str], snapshots: Mapping[str, Mapping[str, Any]]) -> str:
    if not name:
        # a voice is never sent to a third party unless this was requested
        if sends_to_third_party(ENGINES.get(engines[0]), snapshots.get(engines[0], {})):
            raise OptionError("engine", "", f"{engines[0]} to be named: it sends your voice to a third party")
        return engines[0]
    if name not in engines:
        raise UnknownName("engine", name[:40], tuple(engines))
    return name


def _sampling(given: Mapping[str, str], engine: str) -> tuple[dict[str, float], tuple[str, ...]]:
    names = SAMPLING.get(served_by(engine), {})
    options: dict[str, float] = {}
    unused: list[str] = []
    for name in (*FLOATS, *WHOLES, *NEUTRAL):
        if name not in given:
            continue
        value = _whole(given, name, 0, MAX_SEED) if name in WHOLES else _number(given, name)
        if name in names:
            options[names[name]] = value
        elif name in NEUTRAL and NEUTRAL[name] not in (None, value) and names:
            raise OptionError(name, given[name][:40], f"{NEUTRAL[name]}, which changes nothing: the engine lacks it")
        elif name not in NEUTRAL:
            unused.append(name)
    return options, tuple(unused)


def _seed(given: Mapping[str, str]) -> int:
    """Returns `seed` or a combination of `text_seed` and `audio_seed`; it is drawn if absent or PersonaPlex's -1."""
    seeds = [_whole(given, name, -1, 2**64 - 1) for name in SEEDS if given.get(name)]
    seeds = [seed for seed in seeds if seed != -1]
    if not seeds:
        return secrets.randbelow(MAX_SEED)
    if len(set(seeds)) == 1 and seeds[0] <= MAX_SEED:
        return seeds[0]
    digest = hashlib.sha256(":".join(map(str, seeds)).encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1


def _voice(name: str, seed: int) -> VoiceSegment:
    if name not in PRESETS:
        raise UnknownName("voice", name[:40], tuple(PRESETS))
    preset = PRESETS[name]
    return VoiceSegment(preset.converter, parameters=preset.parameters, seed=seed)


def _number(given: Mapping[str, str], name: str) -> float:
    try:
        value = float(given[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise OptionError(name, given[name][:40], "a number")
    return value


def _whole(given: Mapping[str, str], name: str, least: int, most: int) -> int:
    text = given[name]
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20 and least <= int(text) <= most):
        raise OptionError(name, text[:40], f"a whole number from {least} to {most}")
    return int(text)
