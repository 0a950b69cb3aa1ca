"""The engines and converters there are: name -> label, where the class lives, what it needs.

Importing this imports no engine: a class is loaded by the worker on first use. Adding one is one file and
one line here; the contract tests find it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

from inference.contract.errors import OptionError, UnknownName

if TYPE_CHECKING:
    from inference.contract.settings import Settings
    from inference.engines.base import Engine
    from inference.voices.base import Converter


@dataclass(frozen=True, slots=True)
class Entry:
    """`label` and `about` are shown to people, in English where nobody has translated them; `path` is "module:Class".
    `settings` is the class that reads its environment variables, empty where there are none. `options` is the function
    that checks an engine's options (it raises OptionError), empty where it has none; it stands in a module that loads
    no model, because the web imports it too. `selectable` is False for what no published study may use; `third_party`
    is True for what sends the participant's voice to somebody else, which takes a consent of its own; `needs_target` is
    True for converters that turn the voice into a target voice."""

    label: str
    path: str
    about: str
    selectable: bool = True
    third_party: bool = False
    needs_target: bool = False
    settings: str = ""
    options: str = ""


ENGINES: Final[Mapping[str, Entry]] = {
    "cascade": Entry(
        "Local cascade",
        "inference.engines.cascade.engine:CascadeEngine",
        "Speech recognition, a small language model and speech synthesis in a row, on this machine. It answers to the "
        "words alone: it cannot hear laughs, sighs, accents or tone, which makes it the text-mediated control.",
        settings="inference.engines.cascade.settings:CascadeSettings",
        options="inference.contract.options.cascade:Options.read",
    ),
    "moshi_server": Entry(
        "Moshi server",
        "inference.engines.moshi_server.engine:MoshiServerEngine",
        "Any server of Moshi's own protocol: stock Python, Rust or MLX, PersonaPlex, another worker. Full duplex: it "
        "hears and speaks at the same time. The operator says which servers, and whether they are somebody else's.",
        settings="inference.engines.moshi_server.settings:MoshiServerSettings",
        options="inference.contract.options.moshi_server:check",
    ),
    "moshi": Entry(
        "Moshi",
        "inference.engines.moshi.engine:MoshiEngine",
        "One model from speech to speech, without words in between: it hears how something is said, and it listens "
        "while it speaks.",
        settings="inference.engines.moshi.settings:MoshiSettings",
        options="inference.contract.options.moshi:Sampling.read",
    ),
    "openai_realtime": Entry(
        "Realtime API",
        "inference.engines.openai_realtime.engine:OpenAIRealtimeEngine",
        "Any server of the OpenAI Realtime protocol: OpenAI, Azure, Unmute and others. It answers turn by turn and can "
        "be interrupted.",
        third_party=True,
        settings="inference.engines.openai_realtime.settings:OpenAIRealtimeSettings",
        options="inference.contract.options.openai_realtime:Options.read",
    ),
    "echo": Entry(
        "Echo",
        "inference.engines.echo:EchoEngine",
        "Repeats what it hears, one frame later. For tests and for checking a set-up.",
        selectable=False,
    ),
}

CONVERTERS: Final[Mapping[str, Entry]] = {
    "none": Entry("Own voice", "inference.voices.none:NoConversion", "The voice as it is."),
    "resynthesis": Entry(
        "Own voice, resynthesised",
        "inference.voices.resynthesis:Resynthesis",
        "Taken apart and put together again unchanged: the sham, with the artefacts of a conversion and none of its "
        "effect.",
    ),
    "transform": Entry(
        "Transformed voice",
        "inference.voices.transform:Transform",
        "Pitch, vocal-tract length, intonation range and breathiness changed by signal processing. Does not anonymise.",
    ),
    "remote_vc": Entry(
        "Another person's voice",
        "inference.voices.remote.converter:RemoteConversion",
        "Converted into a target voice by a neural network in a process of its own (a converter server).",
        needs_target=True,
        settings="inference.voices.remote.settings:RemoteVcSettings",
    ),
}


NOT_CONFIGURED: Final = "it is not configured here"  # the reason of what nobody asked for; no cause for alarm


def engine_class(name: str) -> type[Engine]:
    """Imports and returns the class of an engine. Raises UnknownName."""
    if name not in ENGINES:
        raise UnknownName("engine", name, tuple(ENGINES))
    return cast("type[Engine]", _load(ENGINES[name].path))


def converter_class(name: str) -> type[Converter]:
    """Imports and returns the class of a converter. Raises UnknownName."""
    if name not in CONVERTERS:
        raise UnknownName("converter", name, tuple(CONVERTERS))
    return cast("type[Converter]", _load(CONVERTERS[name].path))


def check_options(engine: str, given: Mapping[str, Any]) -> list[OptionError]:
    """Everything that is wrong with the options of a conversation with `engine`, as far as can be told without it: what
    a certain server or checkpoint does not take is told by the engine when the talk begins. An engine that is not in
    the catalogue takes anything."""
    left, errors = dict(given), []
    while engine in ENGINES:
        try:
            _options_reader(engine)(left)
            break
        except OptionError as error:
            errors.append(error)
            if error.name not in left:  # of several together
                break
            del left[error.name]
    return errors


def _options_reader(engine: str) -> Callable[[Mapping[str, Any]], object]:
    path = ENGINES[engine].options
    return cast("Callable[[Mapping[str, Any]], object]", _load(path)) if path else no_options


def no_options(given: Mapping[str, Any]) -> None:
    """For an engine without options. Raises OptionError."""
    for name, value in given.items():
        raise OptionError(name, value, "no options: this engine has none")


def settings_class(entry: Entry) -> type[Settings]:
    """Imports and returns the class that reads the settings of an entry that has some."""
    return cast("type[Settings]", _load(entry.settings))


def _load(path: str) -> object:
    module, _, attribute = path.partition(":")
    return attrgetter(attribute)(import_module(module))
