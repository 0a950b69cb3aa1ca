"""How fast this machine runs the small language model, and so which larger one keeps the pace of a conversation."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from inference.weights.components import Component

# Speech has three to four tokens a second. The first clause, of about nine, must be there soon after the question, so
# the model must be several times as fast as speech.
PACE_TOKENS_PER_SEC: Final = 15.0
MEMORY_SHARE: Final = 0.4  # of the machine's memory that a model may take
MEASURED_TOKENS: Final = 64
PROMPT: Final = "Tell me about the sea."


def largest(
    candidates: Sequence[Component], *, tokens_per_sec: float, small_bytes: int, memory_bytes: int
) -> Component | None:
    """Returns the largest candidate that keeps the pace, or None if none does.

    `tokens_per_sec` is the measured speed of the small model of `small_bytes`. A token takes time in proportion to the
    size of a model's weights, all of which are read for it."""
    fitting = [
        each
        for each in candidates
        if tokens_per_sec * small_bytes / each.size_bytes >= PACE_TOKENS_PER_SEC
        and each.size_bytes <= MEMORY_SHARE * memory_bytes
    ]
    return max(fitting, key=lambda each: each.size_bytes, default=None)


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def measure(model: Path, *, threads: int) -> float:
    """Returns how many tokens a second a model writes here, alone, with so many threads."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_ctx = 512
    parameters.warmup = True
    parameters.verbosity = -1
    parameters.cache_ram_mib = 0
    parameters.hostnames = ["127.0.0.1"]
    parameters.api_keys = [secrets.token_urlsafe(32)]
    for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
        cpu.n_threads = threads
        cpu.poll = 0
    speeds: list[float] = []

    def receive(event: Any) -> bool:
        for part in event if isinstance(event, list) else (event,):
            found = json.loads(part) if isinstance(part, str | bytes) else part
            if "timings" in found:
                speeds.append(float(found["timings"]["predicted_per_second"]))
        return False

    request = {"prompt": PROMPT, "max_tokens": MEASURED_TOKENS, "ignore_eos": True, "stream": True, "seed": 1}
    xllamacpp.Server(parameters).handle_completions(request, receive)
    return speeds[-1] if speeds else 0.0
