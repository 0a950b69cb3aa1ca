"""The converter server protocol, by which an inference worker has a voice converted in another process or machine.

A neural converter pins its own versions of its dependencies, so it runs in a process and an installation of its own.
This protocol is all that it must implement. Each talker has one WebSocket, at `/convert`. Text messages are JSON
objects with a "type"; binary messages are sound: float32, little-endian, mono, 24 kHz, within ±1.

    client                                          server
    {"type": "open", "protocol": 1,                 {"type": "ready", "first_sample": int, "hold_samples": int,
     "target": str, "parameters": {}, "seed": int}   "model": {...}}
                                                    or {"type": "unknown_target"}: then the client enrols it, and
    {"type": "enrol", "target": str,                after the last sample the server answers {"type": "enrolled"},
     "samples": int} and that many, binary          and the client opens again
    sound, in messages of any size                  sound, in messages of any size
                                                    {"type": "overrun", "samples": int}: this many of the samples
                                                    before this message are silence, because conversion was too late
                                                    {"type": "error", "code": str, "message": str}, and it closes

The k-th sample from the server is the conversion of the participant's sample k + first_sample (if first_sample is
negative, that many samples of silence come first). Computing time aside, it is sent once the participant's sample
k + first_sample + hold_samples has arrived. Both numbers are fixed for a connection. The server never returns the
unconverted voice.

"model" describes the network. Its fields are free, except "parameters", {name: [lowest, highest]}, and "needs_target",
true or false. GET `/about` returns it as JSON, with the same two numbers. If the server has a key, both addresses need
`Authorization: Bearer <key>`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from inference.contract.audio import Float32
from inference.contract.errors import WireError

PROTOCOL: Final = 1
CONVERT_PATH: Final = "/convert"
ABOUT_PATH: Final = "/about"
MAX_MESSAGE_BYTES: Final = 2**20
_SAMPLE_BYTES: Final = 4
_LITTLE: Final = np.dtype("<f4")


def encode_sound(samples: Float32) -> bytes:
    """Encodes float32 [n] as bytes."""
    return samples.astype(_LITTLE, copy=False).tobytes()


def decode_sound(data: bytes) -> Float32:
    """Decodes bytes to float32 [n]. Raises WireError for part of a sample and for values that are not finite."""
    if len(data) % _SAMPLE_BYTES:
        raise WireError("whole float32 samples", f"{len(data)} bytes")
    samples = np.frombuffer(data, _LITTLE).astype(np.float32)
    if not np.isfinite(samples).all():
        raise WireError("finite samples", "infinity or no number")
    return samples


def encode_message(kind: str, **fields: Any) -> str:
    """Encodes a text message. Raises WireError for values that JSON cannot represent."""
    try:
        return json.dumps({"type": kind, **fields}, allow_nan=False)
    except (TypeError, ValueError):
        raise WireError("something JSON can say", "something else") from None


def decode_message(text: str) -> tuple[str, dict[str, Any]]:
    """Returns the type and the other fields. Raises WireError."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise WireError("JSON", "something else") from None
    if not isinstance(fields, dict) or not isinstance(kind := fields.pop("type", None), str):
        raise WireError('a JSON object with a "type"', "something else")
    return kind, fields


def field(fields: Mapping[str, Any], name: str, kind: type) -> Any:
    """Returns a required field. Raises WireError."""
    value = fields.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise WireError(f"{name} of the right type", type(value).__name__)
    return value
