"""One engine and the takes in its rows.

The batch converts the takes' audio, steps them together and keeps a fault in one row from affecting the others. It is
used only on the step thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from inference.contract.audio import Float32, float32_to_pcm16, pcm16_to_float32
from inference.contract.errors import OptionError, SlotNotMovable
from inference.contract.tokens import SlotRequest
from inference.contract.wire import Metadata
from inference.engines.base import Engine, SlotConfig
from inference.voices.base import Converter
from inference.voices.schedule import VoiceSchedule
from inference.worker.handover.state import MovedState
from inference.worker.seats import Frame, Listener, Seat, delivery

FAILED_STEPS: Final = 3  # consecutive failed steps after which the engine is beyond repair and the process ends


class Batch:
    """The rows of one engine, or those of a variant of it. `seats` holds the seats that are stepped.

    An engine and its variants have no row at the same time, since a worker lends each row to one take. `fixed` are the
    options that make the variant."""

    def __init__(
        self,
        name: str,
        engine: Engine,
        converters: Mapping[str, Converter],
        listener: Listener,
        fixed: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.engine = engine
        self.snapshot = engine.snapshot_with(fixed) | {"name": name} if fixed else engine.snapshot()
        self._fixed = fixed
        self.seats: dict[int, Seat] = {}
        self._name = name
        self._converters = converters
        self._listener = listener
        self._failed_steps = 0

    @property
    def fingerprint(self) -> str:
        """A conversation can move between engines with equal fingerprints; "" means that it cannot move."""
        return str(self.snapshot.get("fingerprint", "")) if self.engine.movable else ""

    def check(self, request: SlotRequest) -> None:
        """Raises OptionError unless the engine can honour the request."""
        for name, value in self._fixed.items():
            if request.options.get(name, value) != value:
                raise OptionError(name, request.options[name], f"{value}, or another engine than {self._name}")
        self.engine.check(self._config(request))

    def open(self, row: int, request: SlotRequest) -> Seat:
        """Begins a conversation in a clean row. Raises whatever the engine or a converter raises."""
        seat = self.seat(row, request)
        self.engine.open(row, self._config(request))
        self.seats[row] = seat
        return seat

    def seat(self, row: int, request: SlotRequest) -> Seat:
        """Returns a seat that is not stepped and that the engine does not know. Raises OptionError or UnknownName."""
        return Seat(row, self._name, VoiceSchedule(request.voices, self._converters, request.latency_samples))

    def replay(self, seat: Seat, frames: Sequence[Frame]) -> None:
        """Warms up the voice of a seat that moved here with what it last heard elsewhere. Reports no switch again."""
        for frame in frames:
            seat.voices.push(frame.sample, pcm16_to_float32(frame.pcm))
            seat.remembered.append(frame)

    def go_on(self, seat: Seat, request: SlotRequest, moved: MovedState) -> None:
        """Continues a moved conversation in the seat's row. Raises SlotNotMovable, which leaves the row clean."""
        if (moved.take, moved.engine) != (request.take, self._name):
            raise SlotNotMovable("the state is another conversation's")
        if not self.fingerprint or moved.fingerprint != self.fingerprint:
            raise SlotNotMovable("the two inference workers run different models")
        self.engine.import_slot(seat.row, self._config(request), moved.engine_state)
        self.seats[seat.row] = seat

    def is_behind(self, seat: Seat) -> bool:
        """Returns whether frames are left to step before the seat is closed."""
        return bool(seat.inbox) and self.seats.get(seat.row) is seat

    def freeze(self, seat: Seat) -> None:
        """Stops stepping the seat and leaves its row as it is."""
        self.seats.pop(seat.row, None)

    def close(self, seat: Seat) -> None:
        """Ends the conversation. Unless this raises, nothing of it stays in the row."""
        self.freeze(seat)
        seat.inbox.clear()
        seat.voices.close()
        self.engine.close(seat.row)

    def step(self, frames: Mapping[Seat, Frame]) -> int:
        """Steps one frame of each of these seats and returns how many rows the engine stepped.

        Raises the engine's error when it breaks its contract for the FAILED_STEPS-th time in a row."""
        heard: dict[Seat, bytes] = {}
        rows: dict[int, Float32] = {}
        switches: dict[Seat, list[Metadata]] = {}
        for seat, frame in frames.items():
            try:
                came = pcm16_to_float32(frame.pcm) if frame.exact is None else frame.exact
                samples, switches[seat] = seat.voices.push(frame.sample, came)
                if not np.isfinite(samples).all():
                    raise ValueError("the converter returned samples that are not numbers")
                heard[seat] = float32_to_pcm16(samples)
                # the engine hears exactly what the heard track holds, rounded and clipped
                rows[seat.row] = pcm16_to_float32(heard[seat]) if frame.exact is None else samples
            except Exception as error:
                self._fail(seat, "converter_failed", error)  # the unconverted voice is never used instead
        try:
            outputs = self.engine.step(rows) if rows else {}
        except Exception as error:  # the engine broke its contract: no row of this step can be trusted
            for seat in heard:
                self._fail(seat, "engine_failed", error)
            self._failed_steps += 1
            if self._failed_steps == FAILED_STEPS:
                raise
            return 0
        self._failed_steps = 0
        deliveries = []
        for seat, pcm in heard.items():
            try:
                if seat.row in self.engine.failed:
                    raise self.engine.failed.pop(seat.row)
                deliveries.append(delivery(seat, frames[seat], pcm, switches[seat], outputs[seat.row]))
            except Exception as error:
                self._fail(seat, "engine_failed", error)
        for row, failure in self.engine.failed.items():
            if row in self.seats:
                self._fail(self.seats[row], "engine_failed", failure)
        self.engine.failed.clear()
        self._listener.deliver(deliveries)
        return len(heard)

    def _config(self, request: SlotRequest) -> SlotConfig:
        """Returns the part of a request that concerns the engine."""
        options = {**request.options, **self._fixed}
        return SlotConfig(request.text_prompt, request.voice_prompt, request.seed, options)

    def _fail(self, seat: Seat, reason: str, error: Exception) -> None:
        """Stops stepping the seat, whose row must still be closed."""
        self.freeze(seat)
        self._listener.seat_failed(seat, reason, error)
