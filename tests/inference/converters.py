"""Every converter of the catalogue, ready to be tested; those that run elsewhere with a real server to talk to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from inference.contract.catalog import CONVERTERS, converter_class
from inference.contract.parameters import PARAMETERS
from inference.converter_server.network import LocalNetwork
from inference.voices.base import Converter
from tests.inference.converter_server.running import connected, running_server

REMOTE = "remote_vc"


class _Served(LocalNetwork):
    """Resynthesis that takes the parameters of the remote converter, which change nothing in it."""

    def __init__(self) -> None:
        super().__init__("resynthesis", rows=1_000)  # tests do not close what they open
        self.parameters = {name: (known.low, known.high) for name, known in PARAMETERS[REMOTE].items()}

    def open(self, row: int, target: str, parameters: Mapping[str, Any], seed: int) -> None:
        super().open(row, target, {}, seed)


@contextmanager
def all_converters() -> Iterator[dict[str, Converter]]:
    with ExitStack() as stack:
        made: dict[str, Converter] = {name: converter_class(name)() for name in CONVERTERS if name != REMOTE}
        server = stack.enter_context(running_server(_Served))
        made[REMOTE] = stack.enter_context(connected(server.address))
        yield {name: made[name] for name in CONVERTERS}
