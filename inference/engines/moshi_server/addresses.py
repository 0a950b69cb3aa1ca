"""The addresses of the servers and the assignment of takes to them.

An address reads `[dialect+]ws[s]://[user:password@]host[:port][/path][?query][;slots=N]`. By default the path is
/api/chat, the dialect `python`, and N is 1, because these servers serve one conversation at a time. Several addresses
are separated by spaces or commas.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from unicodedata import normalize
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from inference.contract.errors import OptionError
from inference.contract.options.moshi_server import OF_RUST, Number
from inference.engines.base import SlotConfig
from inference.remote import check_url, shown

MAX_PROMPT_BYTES: Final = 6_000  # percent-encoded in the request line, of which servers read some 8,000
SEEDS: Final = 2**31  # the number of seeds that every server distinguishes
PERSONAPLEX_VOICE: Final = "NATF2.pt"
_VOICE: Final = re.compile(r"\w[\w.-]{0,99}")
PATH: Final = "/api/chat"
MAX_SLOTS: Final = 512


class Dialect(ABC):
    """What one kind of Moshi server can be asked for in its query.

    Stock Python and MLX take nothing. The Rust server takes temperatures, top-k, seeds, a padding factor and a
    repetition penalty. PersonaPlex takes a text prompt, one of its voices and a seed. `text_follows_sound` says whether
    a piece of text is sent after its frame of sound, or before."""

    name: ClassVar[str]
    options: ClassVar[Mapping[str, Number]] = {}
    seeded: ClassVar[bool] = False
    text_follows_sound: ClassVar[bool] = True
    hint: ClassVar[str] = ""  # added to the error when the server hangs up before it begins

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
        """Returns the query parameters for a checked `config`."""

    def address(self, url: str, config: SlotConfig) -> str:
        """Returns the server's address with the parameters, which replace those of the same name in its own query."""
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
    """PersonaPlex's server. It refuses a conversation without a voice, so a default one is sent."""

    name = "personaplex"
    seeded = True
    text_follows_sound = False
    hint = "; does it have that voice?"

    def check_prompts(self, config: SlotConfig) -> None:
        if config.voice_prompt and not _VOICE.fullmatch(normalize("NFC", config.voice_prompt)):
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
    """Returns what a researcher must know of a dialect."""
    known: dict[str, Any] = {"seeded": dialect.seeded, "options": sorted(dialect.options)}
    return known | ({"default_voice": PERSONAPLEX_VOICE} if isinstance(dialect, PersonaPlex) else {})


@dataclass(frozen=True, slots=True)
class Server:
    """A server. `url` may hold credentials; `shown` does not."""

    url: str
    dialect: Dialect
    slots: int = 1

    @property
    def shown(self) -> str:
        return shown(self.url)


def read_servers(text: str) -> tuple[Server, ...]:
    """Parses the setting into servers. Raises ValueError, saying which address (by its place) is wrong and why."""
    servers = []
    for place, entry in enumerate(re.split(r"[\s,]+", text.strip(" \t\r\n,")), 1):
        try:
            servers.append(_read_one(entry))
        except ValueError as error:
            raise ValueError(f"address {place} {error}") from None
    return tuple(servers)


def _read_one(entry: str) -> Server:
    address, *extras = entry.split(";")
    dialect, plus, url = address.partition("+")
    if not plus or "://" in dialect:
        dialect, url = "python", address
    if dialect not in DIALECTS:
        raise ValueError(f"has the dialect {dialect!r}; there are {', '.join(DIALECTS)}")
    check_url(url)
    slots = 1
    for extra in extras:
        name, _, value = extra.partition("=")
        if name != "slots" or not value.isdecimal() or not 1 <= int(value) <= MAX_SLOTS:
            raise ValueError(f"ends in {extra!r}; only slots=1 to slots={MAX_SLOTS} can stand there")
        slots = int(value)
    parts = urlsplit(url)
    return Server(
        urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else PATH)), DIALECTS[dialect], slots
    )


class Leases:
    """Assigns servers to rows. A server has as many rows as slots; the least busy server is taken, and among equals the
    one that was assigned longest ago."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = servers
        self._by_row: dict[int, int] = {}
        self._last: dict[int, int] = dict.fromkeys(range(len(servers)), 0)
        self._leased = 0

    def take(self, row: int) -> Server:
        """Assigns a server to the row. One is always free, as there are no more rows than slots."""
        busy = Counter(self._by_row.values())
        free = [place for place, server in enumerate(self._servers) if busy[place] < server.slots]
        place = min(free, key=lambda place: (busy[place] / self._servers[place].slots, self._last[place]))
        self._leased += 1
        self._last[place] = self._leased
        self._by_row[row] = place
        return self._servers[place]

    def give_back(self, row: int) -> None:
        self._by_row.pop(row, None)
