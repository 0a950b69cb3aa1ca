"""The engine `openai_realtime`: rows are conversations with a server of the Realtime protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, ClassVar, Final

from inference.contract.errors import OptionError, RemoteLost
from inference.contract.options.openai_realtime import Options
from inference.engines.base import SlotConfig
from inference.engines.openai_realtime.answer import WORD_TIMING
from inference.engines.openai_realtime.session import RealtimeSession
from inference.engines.openai_realtime.settings import NAME, read_server
from inference.engines.remote.engine import RemoteEngine
from inference.remote.address import shown

MAX_INSTRUCTIONS_BYTES: Final = 30_000
_VOICE: Final = re.compile(r"\w[\w./-]{0,199}")


class OpenAIRealtimeEngine(RemoteEngine):
    """Everything the participant says goes to the server that the operator named; nothing is said of who they are."""

    NAME: ClassVar[str] = NAME
    LIVE: ClassVar[bool] = False
    DEFAULT_SLOTS: ClassVar[int] = 8

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        self._server = read_server(settings)
        super().__init__(slots, settings)
        self._served_model = ""

    def warm_up(self) -> None:
        """Sets up a session as studies will, and learns the dialect where it is not given."""
        try:
            ready = self._thread.start(RealtimeSession(self._server, SlotConfig()).try_out()).result()
        except RemoteLost as lost:
            raise self.unavailable(lost, _remedy(lost)) from None
        self._server = replace(self._server, dialect=ready.dialect)
        self._served_model = ready.agreed.model

    def check(self, config: SlotConfig) -> None:
        options = Options.read(config.options)
        dialect = self._server.dialect
        if options.model is not None and options.model not in self._server.models:
            allowed = f"one of {', '.join(self._server.models)}" if self._server.models else "none: the server has one"
            raise OptionError("model", options.model, allowed)
        if options.temperature is not None and dialect is not None and not dialect.takes_temperature:
            raise OptionError("temperature", options.temperature, f"none with a server of the dialect {dialect.name}")
        if dialect is not None and dialect.name == "unmute":
            for name, value in config.options.items():
                raise OptionError(name, value, "no options: an Unmute server has none")
        if config.voice_prompt and not _VOICE.fullmatch(config.voice_prompt):
            raise OptionError("voice_prompt", config.voice_prompt, "the name of one of the server's voices")
        size = len(config.text_prompt.encode(errors="replace"))
        if size > MAX_INSTRUCTIONS_BYTES:
            raise OptionError("text_prompt", f"{size} bytes long", f"at most {MAX_INSTRUCTIONS_BYTES}")

    def begin(self, slot: int, config: SlotConfig) -> RealtimeSession:
        return RealtimeSession(self._server, config)

    def snapshot(self) -> dict[str, Any]:
        server = self._server
        return {
            "name": NAME,
            "server": shown(server.url),
            "dialect": server.dialect.name if server.dialect else "auto",
            "models": list(server.models),
            "served_model": self._served_model,
            "transcription": server.transcription,
            "third_party": True,
            "seeded": False,
            "word_timing": WORD_TIMING,
            "option_defaults": {option.name: option.default for option in fields(Options)},
        }


def _remedy(lost: RemoteLost) -> str:
    match lost.status:
        case 401 | 403:
            return "Set OPENAI_REALTIME_KEY to a key that is valid there."
        case 404:
            return "Correct OPENAI_REALTIME_URL or OPENAI_REALTIME_MODEL."
        case 429:
            return "Wait, or look at the account's limits and balance."
    return "Look at OPENAI_REALTIME_URL, OPENAI_REALTIME_KEY, OPENAI_REALTIME_MODEL and OPENAI_REALTIME_DIALECT."
