"""Why a simulation did not come to its end."""

from __future__ import annotations


class SimulationError(Exception):
    """The text says what happened, and to which bot where one is concerned."""
