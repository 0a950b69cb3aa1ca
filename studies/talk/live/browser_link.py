"""A take's link to the browser: the socket that carries it now, and what happens while there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from inference.contract.wire import Metadata, Ping, encode
from studies.languages import said
from studies.talk.live.downlink import Downlink, Send
from studies.talk.live.endings import ANOTHER_TAB, CLOSE_ANOTHER_TAB, CLOSE_NORMAL, CLOSE_TOO_SLOW

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PING = encode(Ping())


class BrowserLink:
    """Sends to the newest socket. Agent frames that reach no browser are reported as a gap and journalled by `note`."""

    def __init__(self, note: Callable[[str, Mapping[str, Any]], None], language: str | None = None) -> None:
        self.sockets = 0  # number of sockets so far
        self._note = note
        self._language = language
        self._downlink: Downlink | None = None
        self._unheard: tuple[int, int] | None = None  # (first step, frames) that came while no browser was connected

    def join(self, send: Send) -> Downlink:
        """Takes in a new socket and tells the one before it that it was taken over."""
        if self._downlink is not None:
            self._downlink.event("ended", {"reason": "another_tab", "message": said(ANOTHER_TAB, self._language)})
            self._downlink.close(CLOSE_ANOTHER_TAB)
        self.sockets += 1
        self._downlink = Downlink(send, self._on_gap, self._on_stalled)
        return self._downlink

    @property
    def connected(self) -> bool:
        """Returns whether a browser is connected."""
        return self._downlink is not None

    def part(self, downlink: Downlink) -> bool:
        """Notes that a socket has gone. Returns False if another had already taken over."""
        if downlink is not self._downlink:
            return False
        downlink.end_gap()
        self._downlink = None
        return True

    def carries(self, downlink: Downlink) -> bool:
        """Returns whether this socket is the current one and is not being closed."""
        return downlink is self._downlink and not downlink.closing

    def frame(self, step: int, data: bytes) -> None:
        """Sends one encoded agent frame."""
        if self._downlink is not None:
            self._downlink.frame(step, data)
        else:
            first, frames = self._unheard or (step, 0)
            self._unheard = first, frames + 1

    def own_voice(self, data: bytes) -> None:
        """Sends one encoded frame of the participant's own voice, unless the browser is behind."""
        if self._downlink is not None:
            self._downlink.own_voice(data)

    def message(self, data: bytes) -> None:
        """Sends any other encoded message."""
        if self._downlink is not None:
            self._downlink.message(data)

    def event(self, event: str, data: Mapping[str, Any]) -> None:
        self.message(encode(Metadata(event, data)))

    def tell(self, event: str, data: Mapping[str, Any]) -> None:
        """Sends an event to the browser and journals it."""
        self._note(event, data)
        self.event(event, data)

    def ping(self) -> None:
        """Shows a page that receives nothing else that the connection is alive."""
        self.message(PING)

    def end_gap(self) -> None:
        """Reports the agent frames that have not been sent so far, if there are any."""
        if self._unheard is not None:
            unheard, self._unheard = self._unheard, None
            self._on_gap(*unheard)
        if self._downlink is not None:
            self._downlink.end_gap()

    def close(self, reason: str, message: StrOrPromise) -> None:
        """Closes the socket because the take is over."""
        self.event("ended", {"reason": reason, "message": said(message, self._language)})
        if self._downlink is not None:
            self._downlink.close(CLOSE_NORMAL)

    def _on_gap(self, first: int, frames: int) -> None:
        self.tell("gap", {"first": first, "frames": frames})

    def _on_stalled(self) -> None:
        if self._downlink is not None and not self._downlink.closing:
            self._note("stalled", {})
            text = said(_("Your connection cannot keep up. Reconnecting."), self._language)
            self._downlink.error("too_slow", text, CLOSE_TOO_SLOW)
