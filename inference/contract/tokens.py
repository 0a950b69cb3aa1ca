"""What the web asks of a worker for one take, and the signed, expiring, single-use token that carries it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import jwt

from inference.contract.errors import TokenError

ALGORITHM = "HS256"
SLOT_AUDIENCE = "hearmeout.slot"
HEARTBEAT_AUDIENCE = "hearmeout.heartbeat"
STATE_AUDIENCE = "hearmeout.state"
PREVIEW_AUDIENCE = "hearmeout.preview"
VOICE_AUDIENCE = "hearmeout.voice"
TOKEN_TTL_SEC = 30


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


def sign_request(request: SlotRequest, secret: str, ttl_sec: float = TOKEN_TTL_SEC) -> str:
    """A token for one connection."""
    now = time.time()
    claims = {"aud": SLOT_AUDIENCE, "exp": now + ttl_sec, "jti": secrets.token_urlsafe(12), "slot": asdict(request)}
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def sign_preview_request(request: PreviewRequest, secret: str, ttl_sec: float = TOKEN_TTL_SEC) -> str:
    """A token for one connection."""
    claims = {"aud": PREVIEW_AUDIENCE, "exp": time.time() + ttl_sec, "jti": secrets.token_urlsafe(12)}
    return jwt.encode({**claims, "preview": asdict(request)}, secret, algorithm=ALGORITHM)


def sign_state_request(take: str, secret: str, ttl_sec: float = TOKEN_TTL_SEC) -> str:
    """A worker's request to another one for the state of a take that moves; for one connection."""
    claims = {"aud": STATE_AUDIENCE, "exp": time.time() + ttl_sec, "jti": secrets.token_urlsafe(12), "take": take}
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


class TokenReader:
    """Reads tokens for one connection and remembers the ones it has seen until they expire."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._expires_by_id: dict[str, float] = {}

    def read(self, token: str) -> SlotRequest:
        """Raises TokenError (expired, replayed or invalid)."""
        claims = self._unseen(token, SLOT_AUDIENCE)
        try:
            slot = dict(claims["slot"])
            request = SlotRequest(**slot | {"voices": _segments(slot)})
        except (KeyError, TypeError, ValueError):
            raise TokenError("invalid") from None
        self._remember(claims)
        return request

    def read_preview_request(self, token: str) -> PreviewRequest:
        """Raises TokenError."""
        claims = self._unseen(token, PREVIEW_AUDIENCE)
        try:
            preview = dict(claims["preview"])
            request = PreviewRequest(**preview | {"voices": _segments(preview)})
        except (KeyError, TypeError, ValueError):
            raise TokenError("invalid") from None
        self._remember(claims)
        return request

    def read_state_request(self, token: str) -> str:
        """The take whose state is asked for. Raises TokenError."""
        claims = self._unseen(token, STATE_AUDIENCE)
        take = claims.get("take")
        if not isinstance(take, str):
            raise TokenError("invalid")
        self._remember(claims)
        return take

    def _unseen(self, token: str, audience: str) -> dict[str, Any]:
        claims = _claims(token, self._secret, audience)
        now = time.time()
        self._expires_by_id = {jti: exp for jti, exp in self._expires_by_id.items() if exp > now}
        if claims["jti"] in self._expires_by_id:
            raise TokenError("replayed")
        return claims

    def _remember(self, claims: Mapping[str, Any]) -> None:
        self._expires_by_id[claims["jti"]] = float(claims["exp"])


def sign_heartbeat(report: Mapping[str, Any], secret: str, ttl_sec: float = TOKEN_TTL_SEC) -> str:
    """A worker's report of itself, signed so that only holders of the secret can announce a worker."""
    claims = {"aud": HEARTBEAT_AUDIENCE, "exp": time.time() + ttl_sec, "jti": secrets.token_urlsafe(12)}
    return jwt.encode({**claims, "worker": dict(report)}, secret, algorithm=ALGORITHM)


def read_heartbeat(token: str, secret: str) -> dict[str, Any]:
    """Raises TokenError."""
    report = _claims(token, secret, HEARTBEAT_AUDIENCE).get("worker")
    if not isinstance(report, dict):
        raise TokenError("invalid")
    return report


def sign_voice_request(sha256: str, secret: str, ttl_sec: float = TOKEN_TTL_SEC) -> str:
    """A worker's request for one target voice, by its SHA-256."""
    claims = {"aud": VOICE_AUDIENCE, "exp": time.time() + ttl_sec, "jti": secrets.token_urlsafe(12)}
    return jwt.encode({**claims, "voice": sha256}, secret, algorithm=ALGORITHM)


def read_voice_request(token: str, secret: str) -> str:
    """The SHA-256 of the target voice that is asked for. Raises TokenError."""
    sha256 = _claims(token, secret, VOICE_AUDIENCE).get("voice")
    if not isinstance(sha256, str):
        raise TokenError("invalid")
    return sha256


def _segments(request: Mapping[str, Any]) -> tuple[VoiceSegment, ...]:
    return tuple(VoiceSegment(**segment) for segment in request["voices"])


def _claims(token: str, secret: str, audience: str) -> dict[str, Any]:
    options: Any = {"require": ["exp", "jti", "aud"]}
    try:
        claims: dict[str, Any] = jwt.decode(token, secret, algorithms=[ALGORITHM], audience=audience, options=options)
        return claims
    except jwt.ExpiredSignatureError:
        raise TokenError("expired") from None
    except jwt.PyJWTError:
        raise TokenError("invalid") from None
