"""The dialects of the Realtime protocol: how a session is requested, how sound is coded, what events are called.

GA is OpenAI's final protocol and BETA the preview that other servers adopted. UNMUTE is Kyutai's: it has its own kind
of session, Opus instead of PCM, no event at the end of a response, and no `session.created` at the beginning.
"""

from __future__ import annotations

import base64
import binascii
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sphn

from inference.contract.audio import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ, Float32, float32_to_pcm16, pcm16_to_float32
from inference.contract.errors import InferenceError
from inference.contract.options.openai_realtime import Options
from inference.engines.base import SlotConfig
from inference.engines.openai_realtime.fields import readable

# the preview's names of events -> the final ones
FINAL_NAMES: Final[Mapping[str, str]] = {
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
}


class Unsupported(InferenceError):
    """The server wants something that this engine does not support; the text says what."""

    code = "unsupported"


class Codec(ABC):
    """Codes one conversation's sound both ways, in base64. With `one_stream`, unwanted sound must be decoded too."""

    one_stream = False

    @abstractmethod
    def encode(self, pcm: Float32) -> str:
        """Encodes float32 [FRAME_SAMPLES] for `input_audio_buffer.append`."""

    @abstractmethod
    def decode(self, delta: str) -> Float32:
        """Decodes the audio of a delta to float32 [n]. Raises ValueError."""

    def finish(self) -> None:
        """Forgets what is left of an answer that is over."""
        return


class Pcm16(Codec):
    """16-bit samples at 24 kHz; a sample may be split between two deltas."""

    def __init__(self) -> None:
        self._half = b""

    def encode(self, pcm: Float32) -> str:
        return base64.b64encode(float32_to_pcm16(pcm)).decode()

    def decode(self, delta: str) -> Float32:
        data = self._half + _bytes(delta)
        whole = len(data) - len(data) % BYTES_PER_SAMPLE
        self._half = data[whole:]
        return pcm16_to_float32(data[:whole])

    def finish(self) -> None:
        self._half = b""


class Opus(Codec):
    """One Ogg-Opus stream for the whole conversation."""

    one_stream = True

    def __init__(self) -> None:
        self._writer = sphn.OpusStreamWriter(SAMPLE_RATE_HZ)
        self._reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)

    def encode(self, pcm: Float32) -> str:
        return base64.b64encode(self._writer.append_pcm(pcm)).decode()

    def decode(self, delta: str) -> Float32:
        try:
            pcm = self._reader.append_bytes(_bytes(delta))
        except ValueError:
            self._reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)  # after this error the reader decodes nothing more
            raise
        return np.zeros(0, np.float32) if pcm is None else np.asarray(pcm, np.float32)


@dataclass(frozen=True, slots=True)
class Agreed:
    """The session as the server confirmed it. `interrupts`: the server stops an answer when the participant speaks."""

    codec: Codec
    interrupts: bool
    model: str


class Dialect(ABC):
    """A dialect. `greets`: a session begins with `session.created`. `response_done`: an answer ends with
    `response.done`, otherwise with its sound. `timed_text`: text arrives as it is said."""

    name: str
    greets = True
    response_done = True
    timed_text = False
    takes_temperature = False
    subprotocols: tuple[str, ...] = ()

    @abstractmethod
    def session(self, config: SlotConfig, options: Options, transcription: str) -> dict[str, Any]:
        """Returns the `session` of `session.update`."""

    @abstractmethod
    def agreed(self, session: Mapping[str, Any]) -> Agreed:
        """Reads the `session` of `session.updated`. Raises Unsupported."""


class _Final(Dialect):
    name = "ga"

    def session(self, config: SlotConfig, options: Options, transcription: str) -> dict[str, Any]:
        pcm = {"type": "audio/pcm", "rate": SAMPLE_RATE_HZ}
        heard: dict[str, Any] = {"format": pcm, "turn_detection": options.detection()}
        said: dict[str, Any] = {"format": pcm}
        if transcription:
            heard["transcription"] = {"model": transcription}
        if config.voice_prompt:
            said["voice"] = config.voice_prompt
        if options.speed is not None:
            said["speed"] = options.speed
        session: dict[str, Any] = {
            "type": "realtime",
            "output_modalities": ["audio"],
            "audio": {"input": heard, "output": said},
        }
        if config.text_prompt:
            session["instructions"] = config.text_prompt
        if options.max_output_tokens is not None:
            session["max_output_tokens"] = options.max_output_tokens
        return session

    def agreed(self, session: Mapping[str, Any]) -> Agreed:
        audio = _mapping(session.get("audio"))
        heard, said = _mapping(audio.get("input")), _mapping(audio.get("output"))
        _check_format("the sound that it hears", heard.get("format"))
        _check_format("its own sound", said.get("format"))
        return Agreed(Pcm16(), _interrupts(heard), str(session.get("model") or ""))


class _Preview(Dialect):
    name = "beta"
    takes_temperature = True

    def session(self, config: SlotConfig, options: Options, transcription: str) -> dict[str, Any]:
        chosen = {
            "voice": config.voice_prompt or None,
            "instructions": config.text_prompt or None,
            "input_audio_transcription": {"model": transcription} if transcription else None,
            "temperature": options.temperature,
            "speed": options.speed,
            "max_response_output_tokens": options.max_output_tokens,
        }
        return {
            "modalities": ["audio", "text"],
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "turn_detection": options.detection(),
            **{name: value for name, value in chosen.items() if value is not None},
        }

    def agreed(self, session: Mapping[str, Any]) -> Agreed:
        for name in ("input_audio_format", "output_audio_format"):
            if session.get(name, "pcm16") != "pcm16":
                raise Unsupported(f"its {name} is not pcm16")
        return Agreed(Pcm16(), _interrupts(session), str(session.get("model") or ""))


class _Unmute(Dialect):
    name = "unmute"
    greets = False
    response_done = False
    timed_text = True
    subprotocols = ("realtime",)

    def session(self, config: SlotConfig, options: Options, transcription: str) -> dict[str, Any]:
        session: dict[str, Any] = {"allow_recording": False}
        if config.voice_prompt:
            session["voice"] = config.voice_prompt
        # the server begins to speak once it has instructions, so there must be some
        session["instructions"] = {"type": "constant", **({"text": config.text_prompt} if config.text_prompt else {})}
        return session

    def agreed(self, session: Mapping[str, Any]) -> Agreed:
        return Agreed(Opus(), interrupts=True, model="")


GA: Final[Dialect] = _Final()
BETA: Final[Dialect] = _Preview()
UNMUTE: Final[Dialect] = _Unmute()


def dialect_of(session: Mapping[str, Any]) -> Dialect:
    """Returns the dialect that the shape of a `session.created` reveals."""
    return GA if session.get("type") == "realtime" or "audio" in session or "output_modalities" in session else BETA


def _interrupts(place: Mapping[str, Any]) -> bool:
    if "turn_detection" in place and place["turn_detection"] is None:
        raise Unsupported("it does not detect turns by itself")
    return _mapping(place.get("turn_detection")).get("interrupt_response") is True


def _check_format(what: str, form: Any) -> None:
    """Raises Unsupported unless `form` is the one that was asked for, or says nothing to the contrary."""
    form = _mapping(form)
    kind, rate_hz = form.get("type", "audio/pcm"), form.get("rate", SAMPLE_RATE_HZ)
    if kind != "audio/pcm":
        raise Unsupported(f"{what} is {readable(str(kind))[:40]} where audio/pcm was asked for")
    if rate_hz != SAMPLE_RATE_HZ:
        raise Unsupported(f"{what} has {readable(str(rate_hz))[:40]} Hz where {SAMPLE_RATE_HZ} were asked for")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _bytes(delta: str) -> bytes:
    try:
        return base64.b64decode(delta, validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
