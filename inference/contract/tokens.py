"""The requests between web and inference workers, and the signed, expiring tokens that carry them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, Final, Generic, TypeVar

import jwt

from inference.contract.errors import TokenError

ALGORITHM = "HS256"
TOKEN_TTL_SEC = 30
LONGEST_SEC: Final = 60  # what is signed for longer is not taken: a token for one connection and two clocks that differ
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class VoiceSegment:
    """One segment of a voice schedule on the take's microphone clock; with `end_sample` None it lasts to the end.

    `target` is the SHA-256 of a target voice, for converters that need one. `fallback` is the converter that takes over
    if this one is lost during the talk; if it is empty, the talk then ends."""

    converter: str = "none"
    start_sample: int = 0
    end_sample: int | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    target: str = ""
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class SlotRequest:
    """Everything that a worker needs to serve a take. It names no person.

    `take` names the lease: a request for the same take within the reconnect grace resumes its slot. `moved_from` is
    the address of the worker that keeps the take's state to be fetched, or empty for a new take. `latency_samples` is
    the latency with which the engine hears the voice, where all takes of a study must have the same; None means the
    latency of the slowest converter."""

    take: str
    engine: str
    options: Mapping[str, Any] = field(default_factory=dict)
    text_prompt: str = ""
    voice_prompt: str = ""
    seed: int = 0
    voices: tuple[VoiceSegment, ...] = (VoiceSegment(),)
    moved_from: str = ""
    latency_samples: int | None = None


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """A request to preview a voice before the talk. It names neither a take nor a person."""

    voices: tuple[VoiceSegment, ...] = (VoiceSegment(),)
    latency_samples: int | None = None


@dataclass(frozen=True, slots=True)
class Audience(Generic[Content]):
    """The purpose of a token; its content is in `claim`.

    `parse` rebuilds the content from what was signed and raises KeyError, TypeError or ValueError if it cannot. A token
    that would live for more than `longest_sec` is invalid."""

    name: str
    claim: str
    parse: Callable[[Any], Content]
    longest_sec: float = LONGEST_SEC


def _slot_request(signed: Any) -> SlotRequest:
    fields = dict(signed)
    return SlotRequest(**fields | {"voices": _segments(fields)})


def _preview_request(signed: Any) -> PreviewRequest:
    fields = dict(signed)
    return PreviewRequest(**fields | {"voices": _segments(fields)})


def _segments(fields: Mapping[str, Any]) -> tuple[VoiceSegment, ...]:
    return tuple(VoiceSegment(**segment) for segment in fields["voices"])


def _text(signed: Any) -> str:
    if not isinstance(signed, str):
        raise TypeError
    return signed


def _report(signed: Any) -> dict[str, Any]:
    if not isinstance(signed, dict):
        raise TypeError
    return signed


SLOT: Final = Audience("hearmeout.slot", "slot", _slot_request, 3_600)  # from the web, or for a chat: serve this take
PREVIEW: Final = Audience("hearmeout.preview", "preview", _preview_request)  # from the web: preview this voice
STATE: Final = Audience("hearmeout.state", "take", _text)  # from worker to worker: give me the state of this take
HEARTBEAT: Final = Audience("hearmeout.heartbeat", "worker", _report)  # from a worker: this is my state
VOICE: Final = Audience("hearmeout.voice", "voice", _text)  # from a worker: give me the target voice with this SHA-256


def sign(
    audience: Audience[Content], content: Content, secret: str, ttl_sec: float = TOKEN_TTL_SEC, *, to: str = ""
) -> str:
    """Returns a token that only holders of the secret can make. `to` is the address of the one worker that may take
    it."""
    signed = asdict(content) if is_dataclass(content) and not isinstance(content, type) else content
    claims = {"aud": audience.name, "exp": time.time() + ttl_sec, "jti": secrets.token_urlsafe(12), "to": to}
    return jwt.encode({**claims, audience.claim: signed}, secret, algorithm=ALGORITHM)


class TokenReader:
    """Reads tokens that open one connection each, and remembers those it has seen until they expire.

    A worker sets `address` to the one that it reports: tokens for others are invalid. Where several processes answer
    for one reader, `is_new(id, seconds)` tells whether none of them has seen a token, and remembers it for all."""

    def __init__(self, secret: str, is_new: Callable[[str, float], bool] = lambda _id, _sec: True) -> None:
        self.address = ""
        self._secret = secret
        self._is_new = is_new
        self._expires_by_id: dict[str, float] = {}

    def read(self, audience: Audience[Content], token: str) -> Content:
        """Returns the content of a token that was not read before. Raises TokenError (expired, replayed or invalid)."""
        claims = _claims(audience, token, self._secret)
        if claims.get("to", "") != self.address:
            raise TokenError("invalid")
        now = time.time()
        self._expires_by_id = {jti: exp for jti, exp in self._expires_by_id.items() if exp > now}
        content = _content(audience, claims)
        if claims["jti"] in self._expires_by_id or not self._is_new(claims["jti"], claims["exp"] - now):
            raise TokenError("replayed")
        self._expires_by_id[claims["jti"]] = float(claims["exp"])
        return content


def _content(audience: Audience[Content], claims: Mapping[str, Any]) -> Content:
    try:
        return audience.parse(claims[audience.claim])
    except (KeyError, TypeError, ValueError):
        raise TokenError("invalid") from None


def _claims(audience: Audience[Content], token: str, secret: str) -> dict[str, Any]:
    options: Any = {"require": ["exp", "jti", "aud"]}
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=[ALGORITHM], audience=audience.name, options=options
        )
    except jwt.ExpiredSignatureError:
        raise TokenError("expired") from None
    except jwt.PyJWTError:
        raise TokenError("invalid") from None
    if claims["exp"] > time.time() + audience.longest_sec or not isinstance(claims["jti"], str):
        raise TokenError("invalid")
    return claims
