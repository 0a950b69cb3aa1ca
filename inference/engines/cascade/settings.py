"""Settings of the local engine."""

from __future__ import annotations

import os
from typing import Final

from pydantic import Field

from inference.weights.settings import WeightsSettings

MAX_THREADS: Final = 4  # more do not help models of this size


class CascadeSettings(WeightsSettings):
    """The settings of the engine and of its weights."""

    threads: int = Field(
        default_factory=lambda: min(MAX_THREADS, os.cpu_count() or 1),
        ge=1,
        le=64,
        description="Threads of the local engine; empty for a choice by the machine's cores.",
    )
