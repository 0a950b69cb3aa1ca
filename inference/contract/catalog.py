"""The catalogue of engines and converters: for each name a label, the path of its class and what it needs.

Importing this module imports no engine: the worker loads a class on first use. A new engine or converter takes one
file and one line here; the contract tests find it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

from inference.contract.errors import OptionError, UnknownName

if TYPE_CHECKING:
    from inference.engines.base import Engine
    from inference.voices.base import Converter


@dataclass(frozen=True, slots=True)
class Entry:
    """An engine or converter.

    `label` and `about` are shown to people, in English where there is no translation; `path` is "module:Class".
    `settings` is the class that reads its environment variables, or empty if there are none. `options` is the function
    that checks an engine's options and raises OptionError, or empty if it has none; its module loads no model, because
    the web imports it too. `selectable` is False if no planned study may be published with the entry. `needs` says
    what an engine needs that not every machine has, and how whoever runs the workers provides it. `third_party` is True
    if it sends the participant's voice to somebody else, which needs a consent of its own, and None if that depends on
    where the operator lets it send: then its snapshot says so. `needs_target` is True for converters that turn the
    voice into a target voice.

    `variant_of` names the engine that serves this one with the options in `fixed`: an inference worker that loads that
    engine offers the variant as well, over the same models and rows."""

    label: str
    path: str
    about: str
    selectable: bool = True
    third_party: bool | None = False
    needs_target: bool = False
    needs: str = ""
    settings: str = ""
    options: str = ""
    variant_of: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)


ENGINES: Final[Mapping[str, Entry]] = {
    "cascade": Entry(
        "Local cascade",
        "inference.engines.cascade.engine:CascadeEngine",
        "Speech recognition, a small language model and speech synthesis, one after the other, on this computer. It "
        "responds to the words alone and cannot hear laughter, sighs, accents or tone of voice, so it serves as the "
        "comparison for machines that can.",
        settings="inference.engines.cascade.settings:CascadeSettings",
        options="inference.contract.options.cascade:Options.read",
    ),
    "cascade_voice": Entry(
        "Local cascade, told how you sound",
        "inference.engines.cascade.engine:CascadeEngine",
        "The local cascade, but its language model is told in plain words how you sound: laughing, sighing, louder or "
        "faster than before. Declared rules measure that from the sound; the model does not hear it itself.",
        settings="inference.engines.cascade.settings:CascadeSettings",
        options="inference.contract.options.cascade_voice:VoiceOptions.read",
        variant_of="cascade",
        fixed={"hears": ["words", "voice"]},
    ),
    "moshi_server": Entry(
        "Moshi server",
        "inference.engines.moshi_server.engine:MoshiServerEngine",
        "Any server that speaks Moshi’s own protocol: the original in Python, Rust or MLX, PersonaPlex, or another "
        "inference worker. It is full duplex: it listens and speaks at the same time. The operator states which "
        "servers are used and whether a third party runs them.",
        third_party=None,
        needs="It needs a server on a machine with a GPU: name it in MOSHI_SERVER_URLS and add moshi_server to "
        "WORKER_ENGINES (docs/operators/remote-engines.md).",
        settings="inference.engines.moshi_server.engine:MoshiServerSettings",
        options="inference.contract.options.moshi_server:check",
    ),
    "moshi": Entry(
        "Moshi",
        "inference.engines.moshi.engine:MoshiEngine",
        "A single speech-to-speech model with no text in between: it hears how something is said, and it listens "
        "while it speaks.",
        needs="It needs an NVIDIA GPU: run make moshi on a machine that has one, and start an inference worker there "
        "with WORKER_ENGINES=moshi (docs/operators/moshi.md).",
        settings="inference.engines.moshi.source:MoshiSettings",
        options="inference.contract.options.moshi:Sampling.read",
    ),
    "openai_realtime": Entry(
        "Realtime API",
        "inference.engines.openai_realtime.engine:OpenAIRealtimeEngine",
        "Any server that speaks the OpenAI Realtime protocol: OpenAI, Azure, Unmute and others. It takes turns with "
        "you and can be interrupted.",
        third_party=True,
        needs="It needs a server and, for most, a key: set OPENAI_REALTIME_URL and OPENAI_REALTIME_KEY and add "
        "openai_realtime to WORKER_ENGINES (docs/operators/remote-engines.md).",
        settings="inference.engines.openai_realtime.settings:OpenAIRealtimeSettings",
        options="inference.contract.options.openai_realtime:Options.read",
    ),
    "echo": Entry(
        "Echo",
        "inference.engines.echo:EchoEngine",
        "Plays back what it hears, so that you hear yourself as a machine does, in the voice you chose. It does not "
        "answer. Wear headphones.",
        selectable=False,
        needs="It is not loaded here: add echo to WORKER_ENGINES.",
    ),
}

CONVERTERS: Final[Mapping[str, Entry]] = {
    "none": Entry("Own voice", "inference.voices.none:NoConversion", "The voice as it is."),
    "resynthesis": Entry(
        "Own voice, resynthesised",
        "inference.voices.transform:Resynthesis",
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
        third_party=None,
        needs_target=True,
        settings="inference.voices.remote.converter:RemoteVcSettings",
    ),
}


NOT_CONFIGURED: Final = "it is not configured here"  # the reason for an engine that nobody asked for


def engine_class(name: str) -> type[Engine]:
    """Imports and returns the class of an engine. Raises UnknownName."""
    if name not in ENGINES:
        raise UnknownName("engine", name, tuple(ENGINES))
    return cast("type[Engine]", load(ENGINES[name].path))


def served_by(engine: str) -> str:
    """Returns the engine to load for a name of the catalogue: of a variant, the engine that serves it."""
    entry = ENGINES.get(engine)
    return entry.variant_of or engine if entry is not None else engine


def variants_of(engine: str) -> tuple[str, ...]:
    """Returns the names under which an engine that is loaded also serves, with some of its options fixed."""
    return tuple(name for name, entry in ENGINES.items() if entry.variant_of == engine)


def converter_class(name: str) -> type[Converter]:
    """Imports and returns the class of a converter. Raises UnknownName."""
    if name not in CONVERTERS:
        raise UnknownName("converter", name, tuple(CONVERTERS))
    return cast("type[Converter]", load(CONVERTERS[name].path))


def sends_to_third_party(entry: Entry | None, snapshot: Mapping[str, Any]) -> bool:
    """Returns whether an engine or converter of this entry and snapshot sends the voice to a third party.

    If that depends on the set-up and the snapshot does not say, it is taken to do so."""
    depends = entry is not None and entry.third_party is None
    return bool(snapshot.get("third_party", depends)) or (entry is not None and entry.third_party is True)


def check_options(engine: str, given: Mapping[str, Any]) -> list[OptionError]:
    """Returns every problem with the options of a conversation that can be found without the engine.

    The engine itself reports, when the talk begins, what a particular server or checkpoint does not accept. An engine
    that is not in the catalogue accepts anything."""
    left, errors = dict(given), []
    while engine in ENGINES:
        try:
            _options_reader(engine)(left)
            break
        except OptionError as error:
            errors.append(error)
            if error.name not in left:  # the problem concerns several options together
                break
            del left[error.name]
    return errors


def _options_reader(engine: str) -> Callable[[Mapping[str, Any]], object]:
    path = ENGINES[engine].options
    return cast("Callable[[Mapping[str, Any]], object]", load(path)) if path else no_options


def no_options(given: Mapping[str, Any]) -> None:
    """Checks the options of an engine that has none. Raises OptionError."""
    for name, value in given.items():
        raise OptionError(name, value, "no options: this engine has none")


def load(path: str) -> object:
    """Imports and returns what a "module:attribute" of an entry names."""
    module, _, attribute = path.partition(":")
    return attrgetter(attribute)(import_module(module))
