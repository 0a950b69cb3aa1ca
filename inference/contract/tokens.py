"""What web and workers ask of each other, and the signed, expiring tokens that carry it."""

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
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class VoiceSegment:
    """One stretch of a voice schedule on the take's microphone clock; `end_sample` None lasts to the end. `target` is
    the SHA-256 of a target voice, for converters that need one; `fallback` is the converter that takes over when this
    one is lost in mid-talk, empty where the talk is to end then."""

    converter: str = "none"
    start_sample: int = 0
    end_sample: int | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    target: str = ""
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class SlotRequest:
    """Everything a worker needs to serve a take. `take` is the lease's name: asking again for the same take
    within the reconnect grace resumes its slot. `moved_from` is the address of the worker that keeps the take's state
    to be fetched, empty for a new take. `latency_samples` is how late the engine hears the voice, where that is to be
    the same in all takes of a study; None: as late as its slowest converter. Names no person."""

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
    """A voice to be heard before the talk. Names neither take nor person."""

    voices: tuple[VoiceSegment, ...] = (VoiceSegment(),)
    latency_samples: int | None = None


@dataclass(frozen=True, slots=True)
class Audience(Generic[Content]):
    """What a token is for: `claim` holds its content. `parse` makes the content of what was signed, and raises
    KeyError, TypeError or ValueError for what is none."""

    name: str
    claim: str
    parse: Callable[[Any], Content]


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


SLOT: Final = Audience("hearmeout.slot", "slot", _slot_request)  # the web: serve this take
PREVIEW: Final = Audience("hearmeout.preview", "preview", _preview_request)  # the web: let this voice be heard
STATE: Final = Audience("hearmeout.state", "take", _text)  # a worker to another: give me the state of this take
HEARTBEAT: Final = Audience("hearmeout.heartbeat", "worker", _report)  # a worker: this is how I am
VOICE: Final = Audience("hearmeout.voice", "voice", _text)  # a worker: give me the target voice with this SHA-256


def sign(audience: Audience[Content], content: Content, secret: str, ttl_sec: float = TOKEN_TTL_SEC) -> str:
    """A token that only holders of the secret can make."""
    signed = asdict(content) if is_dataclass(content) and not isinstance(content, type) else content
    claims = {"aud": audience.name, "exp": time.time() + ttl_sec, "jti": secrets.token_urlsafe(12)}
    return jwt.encode({**claims, audience.claim: signed}, secret, algorithm=ALGORITHM)


def read(audience: Audience[Content], token: str, secret: str) -> Content:
    """The content of a token, however often it is read. Raises TokenError (expired or invalid)."""
    return _content(audience, _claims(audience, token, secret))


class TokenReader:
    """Reads tokens for one connection and remembers the ones it has seen until they expire."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._expires_by_id: dict[str, float] = {}

    def read(self, audience: Audience[Content], token: str) -> Content:
        """The content of a token, once. Raises TokenError (expired, replayed or invalid)."""
        claims = _claims(audience, token, self._secret)
        now = time.time()
        self._expires_by_id = {jti: exp for jti, exp in self._expires_by_id.items() if exp > now}
        if claims["jti"] in self._expires_by_id:
            raise TokenError("replayed")
        content = _content(audience, claims)
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
    return claims
