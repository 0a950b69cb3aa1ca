"""What each kind of Moshi server can be asked for when a conversation begins: its query parameters.

stock Python and MLX take none. The Rust server takes temperatures, top-k, seeds, a padding factor and a penalty for
repetition. PersonaPlex takes a text prompt, one of its voices and a seed.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from inference.contract.errors import OptionError
from inference.contract.options.moshi_server import OF_RUST, Number
from inference.engines.base import SlotConfig

MAX_PROMPT_BYTES: Final = 6_000  # percent-encoded, in the request's first line, of which servers read some 8,000
SEEDS: Final = 2**31  # as many as every server can tell apart
PERSONAPLEX_VOICE: Final = "NATF2.pt"
_VOICE: Final = re.compile(r"\w[\w.-]{0,99}")


class Dialect(ABC):
    """`text_follows_sound` says whether a piece of text is sent after the frame that it belongs to, or before."""

    name: ClassVar[str]
    options: ClassVar[Mapping[str, Number]] = {}
    seeded: ClassVar[bool] = False
    text_follows_sound: ClassVar[bool] = True
    hint: ClassVar[str] = ""  # when the server hangs up before it begins

    def check(self, config: SlotConfig) -> None:
        """Raises OptionError for what the server cannot be asked for."""
        for name, value in config.options.items():
            if name not in self.options:
                known = f"one of {', '.join(self.options)}" if self.options else "no options"
                raise OptionError(name, value, f"{known} with a server of the {self.name} dialect")
            self.options[name].check(name, value)
        self.check_prompts(config)

    def check_prompts(self, config: SlotConfig) -> None:
        for name, value in (("text_prompt", config.text_prompt), ("voice_prompt", config.voice_prompt)):
            if value:
                raise OptionError(name, value, f"none: a server of the {self.name} dialect has no prompts")

    @abstractmethod
    def query(self, config: SlotConfig) -> dict[str, str]:
        """The parameters for a checked `config`."""

    def address(self, url: str, config: SlotConfig) -> str:
        """The server's address with the parameters; what its own query says about them is replaced."""
        parts = urlsplit(url)
        asked = self.query(config)
        kept = [(name, value) for name, value in parse_qsl(parts.query, True) if name not in asked]
        return urlunsplit(parts._replace(query=urlencode([*kept, *asked.items()], quote_via=quote)))


class StockPython(Dialect):
    name = "python"

    def query(self, config: SlotConfig) -> dict[str, str]:
        return {}


class StockMlx(StockPython):
    name = "mlx"
    text_follows_sound = False


class StockRust(Dialect):
    name = "rust"
    seeded = True
    options = OF_RUST

    def check_prompts(self, config: SlotConfig) -> None:
        super().check_prompts(config)
        together = ("repetition_penalty", "repetition_penalty_context")
        if sum(name in config.options for name in together) == 1:
            raise OptionError(" and ".join(together), "only one of them", "both or none")

    def query(self, config: SlotConfig) -> dict[str, str]:
        seed = str(config.seed % SEEDS)
        asked = {"audio_seed": seed, "text_seed": seed}
        return asked | {self.options[name].query: str(value) for name, value in config.options.items()}


class PersonaPlex(Dialect):
    """The server refuses a conversation without a voice, so there always is one."""

    name = "personaplex"
    seeded = True
    text_follows_sound = False
    hint = "; does it have that voice?"

    def check_prompts(self, config: SlotConfig) -> None:
        if config.voice_prompt and not _VOICE.fullmatch(config.voice_prompt):
            raise OptionError(
                "voice_prompt", config.voice_prompt, f"the file name of a voice, like {PERSONAPLEX_VOICE}"
            )
        size = len(quote(config.text_prompt, errors="replace"))
        if size > MAX_PROMPT_BYTES:
            raise OptionError("text_prompt", f"{size} bytes long in an address", f"at most {MAX_PROMPT_BYTES}")

    def query(self, config: SlotConfig) -> dict[str, str]:
        return {
            "text_prompt": config.text_prompt,
            "voice_prompt": config.voice_prompt or PERSONAPLEX_VOICE,
            "seed": str(config.seed % SEEDS),
        }


DIALECTS: Final[Mapping[str, Dialect]] = {
    dialect.name: dialect for dialect in (StockPython(), StockMlx(), StockRust(), PersonaPlex())
}


def snapshot_of(dialect: Dialect) -> dict[str, Any]:
    """What a researcher must know of it."""
    known: dict[str, Any] = {"seeded": dialect.seeded, "options": sorted(dialect.options)}
    return known | ({"default_voice": PERSONAPLEX_VOICE} if isinstance(dialect, PersonaPlex) else {})
