"""Every message on the two sockets of a take, browser to web and web to worker, defined once.

One type byte, then the payload. 0x00 to 0x06 are those of Moshi's chat protocol; ours follow from 0x10.
All numbers are little-endian. The JavaScript twin is `studies/static/studies/js/contract/wire.js`; both are tested
against `tests/data/wire.json`.

    0x00 handshake   empty
    0x01 opus        Ogg-Opus bytes, 24 kHz mono
    0x02 text        UTF-8 piece of the agent's words (Moshi clients)
    0x03 control     one byte: 0 start, 1 end of turn, 2 pause, 3 restart
    0x04 metadata    JSON object with an "event" named in EVENTS
    0x05 error       JSON object {"code", "message"}
    0x06 ping        empty
    0x10 participant microphone frame        header, PCM16
    0x11 agent       what the engine said    header, PCM16
    0x12 heard       what the engine heard   header, PCM16 (to the browser only where the study allows it)
    0x13 ack         3 bytes of padding, sequence (uint32): all microphone frames up to it are on disk
    0x14 playback    3 bytes of padding, received step (uint32), sounding step (uint32),
                     microphone sample at which it sounds (uint64), depth in samples (uint32), underruns (uint32)

The header of an audio frame is 16 bytes, so that PCM16 stays aligned: type, 3 bytes of padding, sequence or
step (uint32), and the offset on the take's microphone clock of the frame's first sample (uint64).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Final

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_SAMPLES
from inference.contract.errors import WireError

MAX_AUDIO_BYTES: Final = FRAME_SAMPLES * BYTES_PER_SAMPLE
MAX_JSON_BYTES: Final = 16_384
MAX_OPUS_BYTES: Final = 65_536
DOWNLINK_WINDOW_FRAMES: Final = 25  # unacknowledged agent frames before live frames are skipped
MAX_UINT32: Final = 2**32 - 1


class Kind(IntEnum):
    """The type byte."""

    HANDSHAKE = 0x00
    OPUS = 0x01
    TEXT = 0x02
    CONTROL = 0x03
    METADATA = 0x04
    ERROR = 0x05
    PING = 0x06
    PARTICIPANT = 0x10
    AGENT = 0x11
    HEARD = 0x12
    ACK = 0x13
    PLAYBACK = 0x14


# event -> {field: type it must have}; further fields are allowed and kept
EVENTS: Final[Mapping[str, Mapping[str, type | tuple[type, ...]]]] = {
    # web to browser, and worker to web
    "hello": {"next_sequence": int, "limit_ms": int},  # the take is open; send from this sequence on
    "queue": {"position": int},  # waiting for a slot, 1 is next
    "live": {"engine": str},  # the engine hears from here on
    "words": {"text": str, "start_ms": (int, float), "end_ms": (int, float), "turn": int},  # as spoken
    "transcript": {"role": str, "text": str, "raw_text": str, "turn": int},  # participant or agent
    "noticed": {"turn": int, "sounded": str},  # how the participant sounded, in words; empty if like anybody
    "turn": {"state": str, "turn": int},  # listening, thinking, speaking, interrupted, discarded
    "switch": {"converter": str, "requested_sample": int, "actual_sample": int},
    "overflow": {"direction": str, "frames": int},  # frames a full queue dropped
    "gap": {"first": int, "frames": int},  # live agent frames skipped for a slow browser
    "server": {"about": dict},  # worker to web only: how a remote engine's server describes itself, such as its model
    "preview": {"latency_samples": int},  # worker to web only: a voice can be heard, with this latency
    "moving": {"next_step": int},  # worker to web only: another worker may fetch the take, which goes on at this step
    "away": {"away": bool},  # web to browser only: no engine hears at the moment, or one does again
    "ended": {"reason": str, "message": str},  # the take is over
    # browser to web
    "device": {"settings": dict},  # the settings that the browser actually applied
    "slip": {"sample": int, "slipped_samples": int},  # the capture clock jumped
    "lost": {"first": int, "frames": int},  # microphone frames the browser could not keep
    "mute": {"muted": bool, "sample": int},
    "buffer": {"change": str},  # the jitter buffer steered, jumped or ran dry
    "monitor": {"level": (int, float)},  # participants hear themselves as the engine does, at this level; 0 ends it
    "end": {},  # the talk ends: by the participant, or with "reason": "microphone_lost"
    # before the talk: the page's sentence, spoken into microphone frames, comes back in heard frames
    "render": {"number": int},  # browser to web; with "voice", a number in the study, or "parameters" of a free one
    "rendered": {"number": int, "latency_samples": int, "samples": int},  # web to browser; the heard frames follow
    "probe": {"number": int},  # browser to web, and returned when it comes back from the worker: a round trip
    "probed": {"number": int, "latency_samples": int},
}


@dataclass(frozen=True, slots=True)
class Handshake:
    kind: ClassVar[Kind] = Kind.HANDSHAKE


@dataclass(frozen=True, slots=True)
class Ping:
    kind: ClassVar[Kind] = Kind.PING


@dataclass(frozen=True, slots=True)
class Opus:
    data: bytes
    kind: ClassVar[Kind] = Kind.OPUS


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    kind: ClassVar[Kind] = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Control:
    action: int
    kind: ClassVar[Kind] = Kind.CONTROL


@dataclass(frozen=True, slots=True)
class Metadata:
    """An event, named in EVENTS."""

    event: str
    data: Mapping[str, Any] = field(default_factory=dict)
    kind: ClassVar[Kind] = Kind.METADATA


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    code: str
    message: str
    kind: ClassVar[Kind] = Kind.ERROR


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A frame of audio.

    `sequence` counts the frames of this kind (for agent and heard frames it is the step), `sample` is the place of the
    first sample on the microphone clock, and `pcm` is little-endian PCM16."""

    kind: Kind
    sequence: int
    sample: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Ack:
    sequence: int
    kind: ClassVar[Kind] = Kind.ACK


@dataclass(frozen=True, slots=True)
class Playback:
    """A report of how the participant hears the agent.

    `sounding_step` begins to sound at microphone sample `sample`, `received_step` is the last step that arrived, and
    `depth_samples` is the fill level of the jitter buffer."""

    received_step: int
    sounding_step: int
    sample: int
    depth_samples: int
    underruns: int
    kind: ClassVar[Kind] = Kind.PLAYBACK


Message = Handshake | Ping | Opus | Text | Control | Metadata | ErrorMessage | AudioFrame | Ack | Playback

AUDIO_KINDS: Final = frozenset({Kind.PARTICIPANT, Kind.AGENT, Kind.HEARD})
AUDIO_HEADER: Final = struct.Struct("<B3xIQ")
_ACK = struct.Struct("<B3xI")
_PLAYBACK = struct.Struct("<B3xIIQII")
CONTROL_ACTIONS: Final = ("start", "end_turn", "pause", "restart")


def encode_audio(kind: Kind, sequence: int, sample: int, pcm: bytes) -> bytes:
    """Encodes an audio frame on the audio path without building an object for it."""
    return AUDIO_HEADER.pack(kind, sequence, sample) + pcm


def encode(message: Message) -> bytes:
    """Message -> bytes. Raises WireError for an event that is not in EVENTS, lacks a field or cannot be JSON."""
    match message:
        case AudioFrame():
            return encode_audio(message.kind, message.sequence, message.sample, message.pcm)
        case Metadata():
            check_event(message.event, message.data)
            return bytes([Kind.METADATA]) + _to_json({"event": message.event, **message.data})
        case ErrorMessage():
            return bytes([Kind.ERROR]) + _to_json({"code": message.code, "message": message.message})
        case Ack():
            return _ACK.pack(Kind.ACK, message.sequence)
        case Playback():
            return _PLAYBACK.pack(
                Kind.PLAYBACK,
                message.received_step,
                message.sounding_step,
                message.sample,
                message.depth_samples,
                message.underruns,
            )
        case Text():
            return bytes([Kind.TEXT]) + message.text.encode()
        case Opus():
            return bytes([Kind.OPUS]) + message.data
        case Control():
            return bytes([Kind.CONTROL, message.action])
        case Handshake() | Ping():
            return bytes([message.kind])


def decode(data: bytes | bytearray | memoryview) -> Message:
    """Bytes -> message. Raises WireError for any bytes that are not a message."""
    data = bytes(data)
    if not data:
        raise WireError("a message", "no bytes")
    try:
        kind = Kind(data[0])
    except ValueError:
        raise WireError("a known type byte", f"0x{data[0]:02x}") from None
    if kind in AUDIO_KINDS:
        return _decode_audio(kind, data)
    body = data[1:]
    match kind:
        case Kind.METADATA:
            fields = _json_object(body)
            event = fields.pop("event", None)
            if not isinstance(event, str):
                raise WireError('metadata with an "event"', "none")
            check_event(event, fields)
            return Metadata(event, fields)
        case Kind.ERROR:
            fields = _json_object(body)
            code, message = fields.get("code"), fields.get("message")
            if not isinstance(code, str) or not isinstance(message, str):
                raise WireError("an error with code and message", "other fields")
            return ErrorMessage(code, message)
        case Kind.ACK:
            _check_length("ack", data, _ACK.size)
            return Ack(_ACK.unpack(data)[1])
        case Kind.PLAYBACK:
            _check_length("playback report", data, _PLAYBACK.size)
            return Playback(*_PLAYBACK.unpack(data)[1:])
        case Kind.TEXT:
            return Text(_utf8(body))
        case Kind.OPUS:
            if len(body) > MAX_OPUS_BYTES:
                raise WireError(f"at most {MAX_OPUS_BYTES} bytes of Opus", f"{len(body)}")
            return Opus(body)
        case Kind.CONTROL:
            _check_length("control", data, 2)
            if data[1] >= len(CONTROL_ACTIONS):
                raise WireError(f"a control action below {len(CONTROL_ACTIONS)}", str(data[1]))
            return Control(data[1])
        case Kind.HANDSHAKE:
            return Handshake()
        case _:
            return Ping()


def _decode_audio(kind: Kind, data: bytes) -> AudioFrame:
    pcm_bytes = len(data) - AUDIO_HEADER.size
    if pcm_bytes < BYTES_PER_SAMPLE or pcm_bytes % BYTES_PER_SAMPLE or pcm_bytes > MAX_AUDIO_BYTES:
        raise WireError(f"audio of 2 to {MAX_AUDIO_BYTES} bytes in whole samples", f"{max(pcm_bytes, 0)} bytes")
    _, sequence, sample = AUDIO_HEADER.unpack_from(data)
    return AudioFrame(kind, sequence, sample, data[AUDIO_HEADER.size :])


def check_event(event: str, fields: Mapping[str, Any]) -> None:
    """Raises WireError unless `event` is in EVENTS and has all its fields with their types."""
    if event not in EVENTS:
        raise WireError("an event of the protocol", repr(event[:40]))
    for name, kind in EVENTS[event].items():
        value = fields.get(name)
        is_bool = isinstance(value, bool) and kind is not bool  # Python counts bool as an int
        if not isinstance(value, kind) or is_bool:
            raise WireError(f"{event}.{name} of the right type", type(value).__name__)


def _to_json(value: object) -> bytes:
    """Encodes as compactly as JSON.stringify. Raises WireError for NaN, infinity and lone surrogates."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        raise WireError("something JSON can say", "something else") from None


def _json_object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_JSON_BYTES:
        raise WireError(f"at most {MAX_JSON_BYTES} bytes of JSON", f"{len(body)}")
    try:
        value = json.loads(_utf8(body))
    except (ValueError, RecursionError):
        raise WireError("JSON", "something else") from None
    _to_json(value)  # Python reads NaN and lone surrogates, which could not be encoded again
    if not isinstance(value, dict):
        raise WireError("a JSON object", type(value).__name__)
    return value


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise WireError("UTF-8", "other bytes") from None


def _check_length(what: str, data: bytes, size: int) -> None:
    if len(data) != size:
        raise WireError(f"{what} of {size} bytes", f"{len(data)}")
