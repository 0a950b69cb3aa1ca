"""Fetches the weights that the engines of WORKER_ENGINES need; instant when they are all there.

python -m inference.weights            fetch what is missing, and where the hub answers what makes talks better
python -m inference.weights --check    only look; exit 1 when something is missing or damaged
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from inference.contract.catalog import served_by
from inference.contract.settings import WrongSettings
from inference.weights.components import ENGINE_COMPONENTS, LANGUAGE, LARGER_LANGUAGE, VOICES, Component
from inference.weights.fetching import WeightsError, fetch, find, megabytes
from inference.weights.hub import ANSWER_SEC
from inference.weights.settings import WeightsSettings
from inference.weights.speed import PACE_TOKENS_PER_SEC, largest, measure, memory_bytes

SLOW_MB_PER_SEC: Final = 2.0  # the announced download time assumes a slow home connection
MEASURING_THREADS: Final = 4  # more do not help models of this size


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m inference.weights", description="Fetch and check model weights.")
    parser.add_argument(
        "--check", action="store_true", help="fetch nothing; exit 1 when something is missing or damaged"
    )
    only_check = parser.parse_args(arguments).check
    try:
        settings = WeightsSettings.read(os.environ)
    except WrongSettings as wrong:
        _tell(str(wrong))
        return 1
    loaded = dict.fromkeys(served_by(name) for name in settings.engines)
    components = [component for name in loaded for component in ENGINE_COMPONENTS.get(name, ())]
    missing = _missing(components, settings, tell_why=only_check)
    if only_check:
        return 1 if missing else 0
    if missing:
        _announce(missing, settings)
    for component in missing:
        try:
            fetch(component, settings, tell=_tell)
        except WeightsError as error:
            _tell(str(error))
            return 1
    if "cascade" in loaded:
        _better(settings)
    return 0


def _missing(components: Sequence[Component], settings: WeightsSettings, *, tell_why: bool) -> list[Component]:
    missing = []
    for component in components:
        try:
            found = find(component, settings)
            _tell(f"{component.name}: {found.model}, present, SHA-256 checked")
        except WeightsError as error:
            missing.append(component)
            if tell_why:
                _tell(str(error))
    return missing


def _better(settings: WeightsSettings) -> None:
    """Fetches what makes conversations better and is on the hub alone. Without it they work as well."""
    here = {
        component.folder for component in (*LARGER_LANGUAGE, *VOICES) if (settings.folder / component.folder).is_dir()
    }
    voices = [voice for voice in VOICES if voice.folder not in here]
    own = settings.own_path(LANGUAGE) or settings.hub_model(LANGUAGE)
    wants_larger = not (settings.small or own or any(model.folder in here for model in LARGER_LANGUAGE))
    if not (voices or wants_larger):
        return
    if not settings.access.answers():
        _tell(
            f"The hub did not answer within {ANSWER_SEC:g} s: conversations use the small language model and one voice."
        )
        return
    better = [*voices]
    if wants_larger and (model := _larger(settings)) is not None:
        better.append(model)
    if better:
        _announce(better, settings)
    for component in better:
        try:
            fetch(component, settings, tell=_tell)
        except WeightsError as error:
            _tell(f"{error} Conversations work without it.")


def _larger(settings: WeightsSettings) -> Component | None:
    """Returns the largest language model that this machine runs at the pace of a conversation, by measured speed."""
    small = find(LANGUAGE, settings).path
    speed = measure(small, threads=min(MEASURING_THREADS, os.cpu_count() or 1))
    size = small.stat().st_size
    model = largest(LARGER_LANGUAGE, tokens_per_sec=speed, small_bytes=size, memory_bytes=memory_bytes())
    if model is None:
        _tell(f"This machine writes {speed:.0f} tokens/s with the small language model, too few for a larger one.")
        return None
    expected = speed * size / model.size_bytes
    _tell(
        f"This machine writes {speed:.0f} tokens/s with the small language model, so about {expected:.0f} with "
        f"{model.model} ({model.licence}; {PACE_TOKENS_PER_SEC:.0f} keep the pace). LANGUAGE=small does without it."
    )
    return model


def _announce(components: Sequence[Component], settings: WeightsSettings) -> None:
    total = sum(component.download_bytes or component.size_bytes for component in components)
    _tell(
        f"To fetch: {', '.join(component.model for component in components)}; {megabytes(total)} "
        f"(about {max(1, round(total / 1e6 / SLOW_MB_PER_SEC / 60))} min at {SLOW_MB_PER_SEC:.0f} MB/s), "
        f"into {settings.folder}. Once."
    )


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
