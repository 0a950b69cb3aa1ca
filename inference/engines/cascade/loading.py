"""Loads the models of the local engine, in parallel, because all of them spend their time outside Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Final, TypeVar

import structlog

from inference.contract.errors import EngineUnavailable
from inference.engines.cascade.agent_voices import AGENT_VOICES
from inference.engines.cascade.hearing.recognition import Recogniser
from inference.engines.cascade.hearing.turn_end import TurnEnd
from inference.engines.cascade.hearing.vad import Session, load_vad
from inference.engines.cascade.language import LanguageModel
from inference.engines.cascade.playout import Synthesiser
from inference.engines.cascade.settings import CascadeSettings
from inference.weights.components import ENGINE_COMPONENTS, LANGUAGE, LARGER_LANGUAGE, VOICES, Component
from inference.weights.fetching import Weights, WeightsError, find

log = structlog.get_logger()

BEST: Final = "best"
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The models that all slots share. `languages` and `synthesisers` are by the names that a conversation chooses them
    by; `weights` are by component."""

    vad: Session
    turn_end: TurnEnd
    recogniser: Recogniser
    languages: Mapping[str, LanguageModel]
    synthesisers: Mapping[str, Synthesiser]
    weights: Mapping[str, Weights]


def load(settings: CascadeSettings, *, slots: int) -> Loaded:
    """Raises EngineUnavailable when weights are missing or damaged."""
    threads = settings.threads
    with ThreadPoolExecutor(thread_name_prefix="cascade-load") as loading:
        vad = loading.submit(load_vad)
        found = {part.name: loading.submit(find, part, settings) for part in ENGINE_COMPONENTS["cascade"]}
        better = {part.name: loading.submit(find, part, settings) for part in _better(settings)}
        try:
            weights = {name: finding.result() for name, finding in found.items()}
        except WeightsError as error:
            raise EngineUnavailable(
                "cascade", f"the weights of {error.component} {error.reason}", error.remedy
            ) from error
        weights |= _whole(better)
        path = {name: each.path for name, each in weights.items()}
        recogniser = _begin(loading, "speech recognition", lambda: Recogniser(path["recognition"], threads=threads))
        turn_end = _begin(loading, "end of turn", lambda: TurnEnd(path["turn_end"]))
        languages = {
            name: _begin(loading, f"language model {name}", partial(LanguageModel, path[part], slots, threads))
            for name, part in (("small", "language"), ("larger", "language_larger"))
            if part in path
        }
        synthesisers = {
            name: _begin(loading, f"voice {name}", partial(Synthesiser, voice, path.get(voice.component)))
            for name, voice in AGENT_VOICES.items()
            if not voice.component or voice.component in path
        }
    models = {name: model.result() for name, model in languages.items()}
    return Loaded(
        vad.result(),
        turn_end.result(),
        recogniser.result(),
        _named(models, settings),
        {name: synthesiser.result() for name, synthesiser in synthesisers.items()},
        weights,
    )


def _named(models: Mapping[str, LanguageModel], settings: CascadeSettings) -> dict[str, LanguageModel]:
    """Adds the best of the models by its name. An operator's own model has no other name, as it may be of any size."""
    best = models.get("larger", models["small"])
    return {BEST: best} if _is_own(settings) else {BEST: best, **models}


def _better(settings: CascadeSettings) -> list[Component]:
    """Returns the components on this machine without which the engine works as well."""
    larger = [] if settings.small or _is_own(settings) else [*reversed(LARGER_LANGUAGE)]
    here = [part for part in (*larger, *VOICES) if (settings.folder / part.folder).is_dir()]
    return list({part.name: part for part in reversed(here)}.values())  # of two larger models the largest


def _is_own(settings: CascadeSettings) -> bool:
    return bool(settings.own_path(LANGUAGE) or settings.hub_model(LANGUAGE))


def _whole(better: Mapping[str, Future[Weights]]) -> dict[str, Weights]:
    weights = {}
    for name, finding in better.items():
        try:
            weights[name] = finding.result()
        except WeightsError as error:
            log.warning("left out", part=name, reason=str(error))
    return weights


def _begin(loading: Executor, part: str, load: Callable[[], R]) -> Future[R]:
    """Starts loading a model in the background; its duration is logged."""

    def timed() -> R:
        started = perf_counter()
        loaded = load()
        log.info("loaded", part=part, seconds=round(perf_counter() - started, 1))
        return loaded

    return loading.submit(timed)
