"""A running take: it connects the browser, the journal and the inference worker.

A relay outlives its socket by RECONNECT_GRACE_SEC, and another socket for the same take takes over from the last. It
guarantees that a message is journalled before it is passed on and acknowledged only once it is on disk.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from inference.contract.audio import BYTES_PER_SAMPLE, UPLINK_SAMPLES
from inference.contract.errors import SlotLost, WireError
from inference.contract.wire import AUDIO_HEADER, Ack, Kind, Metadata, Ping, Playback, decode, encode
from studies.errors import Moving, RecordingError, TakeRefused
from studies.languages import said
from studies.models import Take
from studies.talk import takes
from studies.talk.journal.records import now_us, pack_event
from studies.talk.journal.writer import Journal
from studies.talk.live.asking import ask_database
from studies.talk.live.browser_link import BrowserLink
from studies.talk.live.downlink import Downlink, Send
from studies.talk.live.endings import AT_ONCE, ENDINGS, RECORDING_ENDINGS, UNEXPECTED, ending_by_page
from studies.talk.live.engine_link import converse
from studies.talk.live.question import Question
from studies.talk.live.state import Deadlines, TalkState, open_journal
from studies.talk.live.uplink import Uplink
from studies.talk.live.watch import watch
from studies.talk.registry import RUNNING
from studies.talk.workers import reports

UPLINK_BYTES: Final = AUDIO_HEADER.size + UPLINK_SAMPLES * BYTES_PER_SAMPLE
FROM_BROWSER: Final = frozenset({"device", "slip", "lost", "mute", "buffer", "monitor", "end"})
TO_BROWSER: Final = frozenset({"words", "transcript", "noticed", "turn"})  # `switch` would reveal the voice

log = structlog.get_logger(__name__)


class Relay:
    """One running take. All methods are called on the event loop."""

    def __init__(self, admission: takes.Admission) -> None:
        self.loop = asyncio.get_running_loop()
        self.take_id: UUID = admission.take_id
        self.epoch = admission.epoch
        self.sends_away = False  # until an engine hears, nobody does
        self._admission = admission
        self._journal: Journal
        self._browser = BrowserLink(self.note, admission.language)
        self._uplink = Uplink(lambda steps: self._browser.tell("overflow", {"direction": "uplink", "frames": steps}))
        self._state = TalkState(admission.limit_ms)
        self._deadlines = Deadlines(self.end)
        self._ending: asyncio.Task[None] | None = None
        self._talking: asyncio.Task[None] | None = None
        self._question = Question(admission.question, self._on_frame, self.end) if admission.question else None
        self._asking: asyncio.Task[None] | None = None
        self._opening = self.loop.create_task(self._open())
        RUNNING[self.take_id] = self
        watch()

    @property
    def recording(self) -> bool:
        return self._state.recording

    @property
    def fingerprint(self) -> str:
        return self._state.fingerprint

    # -- sockets ---------------------------------------------------------------------------------------------------

    async def attach(self, send: Send) -> Downlink:
        """Attaches a browser's socket and tells an earlier one that it was taken over. Raises TakeRefused."""
        await asyncio.shield(self._opening)
        if self._ending is not None:
            raise TakeRefused("take_over", _("This conversation has ended. You can start another one."))
        self._deadlines.clear("abandoned")
        self._state.arrival.reconnected(now_us())
        downlink = self._browser.join(send)
        self.note("connect", {"resumed": self._state.has_begun, "next_sequence": self._state.next_sequence})
        downlink.event("hello", self._state.hello())
        self._browser.end_gap()
        for event, data in self._state.events():
            downlink.event(event, data)
        return downlink

    def detach(self, downlink: Downlink) -> None:
        """Detaches a socket that has gone. If it was the current one, the take waits for another."""
        if self._browser.part(downlink) and self._ending is None:
            self.note("disconnect", {})
            self._deadlines.set("abandoned", settings.RECONNECT_GRACE_SEC)

    def receive(self, downlink: Downlink, data: bytes | None) -> None:
        """Handles one message from a browser. Raises WireError for a message that does not belong here."""
        if not self._browser.carries(downlink) or self._ending is not None:
            return  # a socket that was told to close
        if not data:
            raise WireError("binary messages", "text or nothing")
        if data[0] == Kind.PARTICIPANT:
            if self._question is not None:
                raise WireError("no microphone in a talk whose question is recorded", "a microphone frame")
            self._on_frame(data)
        else:
            self._on_browser_message(downlink, data)

    def refuse(self, downlink: Downlink, error: WireError, close_code: int) -> None:
        """Tells a browser that it broke the protocol, records this and closes its socket. The take may continue."""
        if not downlink.closing:
            self.note("refused", {"code": error.code, "message": str(error)})
            text = said(UNEXPECTED, self._admission.language) % {"problem": error}
            downlink.error(error.code, text, close_code)

    def end(self, reason: str) -> None:
        """Ends the take for one of ENDINGS; the first reason counts. Nothing is recorded from now on.

        If somebody asked for the end, the page is told at once; otherwise once everything said is on disk."""
        if self._ending is None:
            self._uplink.pause()  # nothing more leaves, however long the ending takes
            if self._asking is not None:
                self._asking.cancel()
            if reason == "abandoned" and self._browser.connected:
                reason = "another_tab"  # another tab began the next take
            self._ending = self.loop.create_task(self._finish(reason))
            if reason in AT_ONCE:
                self._browser.close(reason, ENDINGS[reason].message)

    # -- opening and ending ----------------------------------------------------------------------------------------

    async def _open(self) -> None:
        """Opens the journal and starts or resumes the talk. Raises TakeRefused."""
        try:
            self._journal = await open_journal(
                self.take_id,
                partial(self._from_thread, self._on_durable),
                partial(self._from_thread, self._on_journal_failed),
            )
        except BaseException:
            del RUNNING[self.take_id]
            raise
        before = self._journal.continuation
        self._state.pick_up(before)
        if before.live:
            self._deadlines.set("limit", self._state.left_sec)
        self._deadlines.set("abandoned", settings.RECONNECT_GRACE_SEC)
        self._talking = self.loop.create_task(self._talk(before.worker))

    async def _finish(self, reason: str) -> None:
        try:
            await self._opening
        except TakeRefused:
            return  # the take had not begun
        ending = ENDINGS[reason]
        outcome = ending.outcome if self.recording else Take.Outcome.ABANDONED
        try:
            await self._wind_up(reason, outcome)
            acknowledged = self._journal.durable + 1
            await database_sync_to_async(takes.end_take)(self.take_id, outcome, reason, acknowledged=acknowledged)
        except Exception:
            log.exception("take_not_ended", take=str(self.take_id))  # the sweep will read the ending from the journal
        del RUNNING[self.take_id]
        self._browser.close(reason, ending.message)

    async def _wind_up(self, reason: str, outcome: str) -> None:
        """Releases the slot, then writes everything received to disk."""
        self._deadlines.clear_all()
        if self._talking is not None and not self._talking.done():
            self._talking.cancel()
            await asyncio.wait([self._talking])
        self._browser.end_gap()
        state = self._state
        counts = {"duplicates": state.duplicates, "early": state.early, "sockets": self._browser.sockets}
        self.note("closed", {"reason": reason, "outcome": outcome, **counts})
        await asyncio.wrap_future(self._journal.close())
        log.info("take_ended", take=str(self.take_id), reason=reason, frames=state.next_sequence, **counts)

    # -- inference worker ------------------------------------------------------------------------------------------

    async def _talk(self, address: str) -> None:
        ask = partial(takes.needs_now, self.take_id)
        self.end(await converse(self._admission.request, ask, address, self._uplink, self))

    def tell_away(self, away: bool) -> None:
        if away != self._state.away:
            self._state.away = away
            self._browser.event("away", {"away": away})
        self._browser.ping()

    async def on_engine_message(self, data: bytes) -> None:
        kind = data[0]
        if kind == Kind.AGENT:
            self._note_swallowed(data)
            self._journal.append(data)
            self._state.agent_step = AUDIO_HEADER.unpack_from(data)[1]
            self._browser.frame(self._state.agent_step, data)
            if self._question is not None:
                self._question.heard(data[AUDIO_HEADER.size :])
        elif kind == Kind.HEARD:
            self._note_swallowed(data)
            self._journal.append(data)
            if self._state.monitoring:
                self._browser.own_voice(data)
        elif kind == Kind.METADATA:
            await self._on_engine_event(data)
        elif kind == Kind.ERROR:
            self._journal.append(data)
            raise SlotLost("error")

    async def _on_engine_event(self, data: bytes) -> None:
        fields = json.loads(data[1:])  # trusted, and a snapshot may be longer than a browser's event
        match fields.pop("event"):
            case "live":
                await self._on_live(fields, data)
                return
            case "queue" if self.recording:
                raise SlotLost("no slot is left for it")
            case "queue":
                self._state.queue = fields
            case "turn" if self._question is not None:
                self._question.turned(fields["state"])
            case "moving":
                self._journal.append(data)
                raise Moving
            case "ended":
                self._journal.append(data)
                raise SlotLost(str(fields["reason"]))
            case event if event not in TO_BROWSER or (event == "noticed" and not self._admission.names_machine):
                self._journal.append(data)
                return
        self._journal.append(data)
        self._browser.message(data)

    async def _on_live(self, live: Mapping[str, Any], data: bytes) -> None:
        if self.recording and not live.get("resumed"):
            raise SlotLost("conversation forgotten")  # the slot had been leased to another take
        snapshot, voices = live.get("snapshot") or {}, live.get("voices") or ()
        self.sends_away = await ask_database(takes.mark_live, self.take_id, snapshot, voices)
        self._journal.append(data)
        engine = {name: live[name] for name in ("engine", "latency_samples") if name in live}
        if self._state.begin(engine, reports.fingerprint_of(snapshot)):
            self._deadlines.set("limit", self._state.left_sec)
        self._uplink.resume(live.get("next_step", 0))
        self._browser.event("live", {**engine, "resumed": bool(live.get("resumed"))})
        if self._question is not None and self._asking is None:
            self._asking = self.loop.create_task(self._question.ask(self._state.next_sequence))

    def _note_swallowed(self, data: bytes) -> None:
        """Tells the browser and journals how many agent frames were lost with a broken engine link.

        This is known at the first frame after the link was restored: the engine was sent the steps before it, but their
        output did not arrive."""
        if self._state.resumed:
            self._state.resumed = False
            lost = self._uplink.sent_between(self._state.agent_step, AUDIO_HEADER.unpack_from(data)[1])
            if lost:
                self._browser.tell("overflow", {"direction": "downlink", "frames": lost})

    # -- browser ---------------------------------------------------------------------------------------------------

    def _on_frame(self, data: bytes) -> None:
        """Handles one microphone frame. This is the hot path: it runs 50 times a second for every take."""
        if len(data) != UPLINK_BYTES:
            raise WireError(f"microphone frames of {UPLINK_BYTES} bytes", f"{len(data)}")
        state = self._state
        if not state.recording:
            state.early += 1
            return
        _, sequence, sample = AUDIO_HEADER.unpack_from(data)
        missing = state.missing_before(sequence, sample)
        if missing < 0:
            return
        if missing:
            self.note("missing", {"first": sequence - missing, "frames": missing})
        time_us = self._journal.append_frame(data, sequence)
        if not state.arrival.is_backfill(sample, time_us):
            self._uplink.frame(sequence, sample, data)

    def _on_browser_message(self, downlink: Downlink, data: bytes) -> None:
        self._state.count_event(len(data))
        message = decode(data)
        match message:
            case Playback():
                downlink.reported(message.received_step)
                self._journal.append(data)
            case Metadata() if message.event in FROM_BROWSER:
                self._journal.append(data)
                if message.event == "end":
                    self.end(ending_by_page(message.data.get("reason")))
                elif message.event == "monitor":
                    self._state.monitoring = self._admission.hear_yourself and message.data["level"] > 0
            case Ping():
                pass
            case _:
                raise WireError("a message a browser may send", type(message).__name__)

    # -- callbacks -------------------------------------------------------------------------------------------------

    def _on_durable(self, sequence: int) -> None:
        self._browser.message(encode(Ack(sequence)))

    def _on_journal_failed(self, error: RecordingError) -> None:
        self.end(RECORDING_ENDINGS.get(error.reason, "recording_failed"))

    def note(self, event: str, data: Mapping[str, Any]) -> None:
        self._journal.append(pack_event(event, data))

    def _from_thread(self, callback: Any, *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop has closed and ended all its takes
            self.loop.call_soon_threadsafe(callback, *arguments)
