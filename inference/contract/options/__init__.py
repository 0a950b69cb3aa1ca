"""What a study can ask of an engine's conversations, declared once for each engine. The web checks studies by it, so
nothing here loads a model.

cascade.py          the local engine
moshi.py            Moshi in the worker
moshi_server.py     Moshi servers
openai_realtime.py  servers of the Realtime protocol
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from inference.contract.errors import OptionError
from inference.contract.options import cascade, moshi, moshi_server, openai_realtime


def _has_none(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        raise OptionError(name, value, "no options: this engine has none")


READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], object]]] = {
    "cascade": cascade.Options.read,
    "moshi": moshi.Sampling().changed,
    "moshi_server": moshi_server.check,
    "openai_realtime": openai_realtime.Options.read,
    "echo": _has_none,
}


def check_options(engine: str, given: Mapping[str, Any]) -> list[OptionError]:
    """Everything that is wrong with the options of a conversation with `engine`, as far as can be told without it: what
    a certain server or checkpoint does not take is told by the engine when the talk begins."""
    left, errors = dict(given), []
    while engine in READERS:
        try:
            READERS[engine](left)
            break
        except OptionError as error:
            errors.append(error)
            if error.name not in left:  # of several together
                break
            del left[error.name]
    return errors
