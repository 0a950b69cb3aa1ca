"""The converter of a conversion that runs elsewhere. The step thread never waits for the network."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import structlog
from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.catalog import NOT_CONFIGURED
from inference.contract.errors import EngineUnavailable, InferenceError, OptionError, RemoteLost
from inference.contract.settings import Settings
from inference.remote import LoopThread, ThirdParty, Trust, check_url, is_third_party
from inference.voices.base import Converter, VoiceStream, playable
from inference.voices.remote.converter_server import ConverterServer
from inference.voices.remote.load_target import TIMINGS, LoadTarget
from inference.voices.remote.session import Dialect, Line, Order, Placement

NAME: Final = "remote_vc"
START_SEC: Final = 10.0
ENROL_SEC: Final = 90.0
MOST_REFERENCES: Final = 32  # at half a minute each, 90 MB
log = structlog.get_logger(__name__)


class RemoteVcSettings(Settings):
    """`url` is empty where there is no converter server."""

    model_config = SettingsConfigDict(env_prefix="REMOTE_VC_")

    url: str = Field(
        "", repr=False, description="Converter server for target voices, `ws://host:8800`; empty for none."
    )
    dialect: Literal["converter_server", "meanvc", "xvc"] = Field(
        "converter_server", description="How it is spoken to: `converter_server`, `meanvc` or `xvc`."
    )
    key: str = Field("", repr=False, description="Its key, if it asks for one.")
    certificate: Path | None = Field(None, description="PEM file of its certificate, if it signed its own.")
    margin_ms: int = Field(
        120, ge=0, le=2_000, description="Time for network and computing, part of the voice's latency."
    )
    third_party: ThirdParty = Field(
        None, description="`yes` or `no`: is it somebody else's? Empty for yes beyond this machine and its networks."
    )

    @field_validator("url")
    @classmethod
    def _socket(cls, url: str) -> str:
        if url:
            try:
                check_url(url)
            except ValueError as error:
                raise ValueError(f"ws://host:port of a converter server; it {error}") from None
        return url

    @field_validator("certificate")
    @classmethod
    def _readable(cls, file: Path | None) -> Path | None:
        return Trust.readable(file)

    @property
    def trust(self) -> Trust | None:
        return Trust.read(self.certificate) if self.certificate else None

    @property
    def is_third_party(self) -> bool:
        """Whether the server is somebody else's."""
        return is_third_party(self.third_party, self.url)


class RemoteConversion(Converter):
    """A converter whose latency is the server's hold plus the margin, in all streams.

    Sound that arrives later is replaced with silence, which is counted and logged; the unconverted voice is never heard
    instead. A lost server ends the stream."""

    needs_target: ClassVar[bool] = True

    def __init__(self, settings: Mapping[str, str] = os.environ, *, patience_sec: float = 0.0) -> None:
        """Asks the server for its description. Raises EngineUnavailable.

        `patience_sec` is how long `push` may wait for late sound; it is 0 where a step must not be held up."""
        self._patience_sec = patience_sec
        own = RemoteVcSettings.read_for(NAME, settings)
        self._margin_samples = own.margin_ms * SAMPLE_RATE_HZ // 1_000
        self._dialect = _dialect(own)
        self._third_party = own.is_third_party
        self._references: dict[str, Float32] = {}  # the MOST_REFERENCES last used, for a server that lost them
        self._keeping = threading.Lock()
        self._thread = LoopThread(NAME)
        try:
            self._timing, self._model = self._thread.start(self._dialect.about()).result(START_SEC)
        except (RemoteLost, TimeoutError) as error:
            self._thread.stop()
            reason = str(error) or f"{self._dialect.address} did not answer"
            raise EngineUnavailable(NAME, reason, "Start the converter server, then this worker.") from None

    @property
    def latency_samples(self) -> int:
        return self._timing.hold_samples + self._margin_samples

    def check(self, parameters: Mapping[str, Any]) -> None:
        known = self._model.get("parameters", {})
        for name, value in _given(parameters).items():
            if name not in known:
                expected = f"one of {', '.join(known)}" if known else "no parameters"
                raise OptionError(str(name), value, f"{expected} for the converter at {self._dialect.address}")
            low, high = known[name]
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not low <= value <= high:
                raise OptionError(str(name), value, f"a number from {low:g} to {high:g}")

    def enrol(self, target: str, reference: Float32) -> None:
        """Makes a target known to the server, from float32 [n] at 24 kHz. Raises RemoteLost, TargetUnavailable.

        It waits for the server, so the step thread must not call it."""
        order = Order(target=target, reference=reference)
        try:
            self._thread.start(self._dialect.enrol(order)).result(ENROL_SEC)
        except TimeoutError:
            raise RemoteLost(self._dialect.address, "it did not learn the target voice in time") from None
        self._keep(target, reference)

    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> RemoteStream:
        self.check(parameters)
        if self._model.get("needs_target", True) and not target:
            raise OptionError("target", target, "a target voice: this converter needs one")
        reference = self._references.get(target)
        if reference is not None:
            self._keep(target, reference)
        return RemoteStream(self, Order(_given(parameters), seed, target, reference))

    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.check(parameters)
        return {
            "name": NAME,
            "version": "1",
            "address": self._dialect.address,
            "third_party": self._third_party,
            "model": dict(self._model),
            "latency_samples": self.latency_samples,
            "parameters": {name: parameters.get(name) for name in self._model.get("parameters", {})},
        }

    def shut_down(self) -> None:
        """Ends every stream."""
        self._thread.stop()

    def _keep(self, target: str, reference: Float32) -> None:
        """Keeps a reference as the last one used. Enrolments run in threads of their own, beside the step thread."""
        with self._keeping:
            self._references.pop(target, None)
            self._references[target] = reference
            while len(self._references) > MOST_REFERENCES:
                del self._references[next(iter(self._references))]

    def connect(self, order: Order) -> tuple[Line, Future[None]]:
        """Opens a separate connection for a stream."""
        line = Line(self._thread.loop, Placement(self._timing.first_sample, self.latency_samples))
        return line, self._thread.start(_talk(self._dialect, order, line))

    @property
    def patience_sec(self) -> float:
        return self._patience_sec


class RemoteStream(VoiceStream):
    """One talker's voice on its way through a server."""

    def __init__(self, converter: RemoteConversion, order: Order) -> None:
        self.latency_samples = converter.latency_samples
        self._converter = converter
        self._order = order
        self._line, self._talking = converter.connect(order)
        self._reported_samples = 0

    @property
    def missed_samples(self) -> int:
        """The number of samples that are silence because the converted speech came too late."""
        return self._line.placement.missed_samples

    def push(self, samples: Float32) -> Float32:
        """Raises the error with which the connection was lost."""
        if self._line.failure is not None:
            raise self._line.failure
        self._line.say(playable(samples))
        converted = self._line.placement.take(len(samples), self._converter.patience_sec)
        if self.missed_samples - self._reported_samples >= SAMPLE_RATE_HZ:  # one line per second, not one per frame
            log.warning("conversion too late", missed_samples=self.missed_samples - self._reported_samples)
            self._reported_samples = self.missed_samples
        if self._line.failure is not None:  # It may have failed while we waited.
            raise self._line.failure
        return converted

    def reset(self) -> None:
        self.close()
        self._line, self._talking = self._converter.connect(self._order)
        self._reported_samples = 0

    def close(self) -> None:
        """Closes the connection."""
        self._talking.cancel()


async def _talk(dialect: Dialect, order: Order, line: Line) -> None:
    try:
        await dialect.talk(order, line)
    except asyncio.CancelledError:
        raise
    except InferenceError as error:
        line.fail(error)
        log.warning("converter server lost", address=dialect.address, code=error.code, problem=str(error))
    except Exception as error:
        line.fail(RemoteLost(dialect.address, type(error).__name__))
        log.exception("converter server lost", address=dialect.address)


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parameters that are set; the server has defaults for the others."""
    return {name: value for name, value in parameters.items() if value is not None}


def _dialect(settings: RemoteVcSettings) -> Dialect:
    """Raises EngineUnavailable."""
    if not settings.url:
        raise EngineUnavailable(NAME, NOT_CONFIGURED, "Set REMOTE_VC_URL to ws://host:port of one.")
    if settings.dialect in TIMINGS:
        return LoadTarget(settings.dialect, settings.url, settings.trust)
    return ConverterServer(settings.url, settings.key, settings.trust)
