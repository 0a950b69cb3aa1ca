"""Compiles the inner loops to machine code: a worker converts many voices on one thread, and time is scarce there.

A compiled function keeps its Python original as `py_func`, which the tests hold it against.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compiled at the first call, and kept on disk where a folder is writable, so that the next start is quick."""
    try:
        return cast("F", njit(cache=True, nogil=True)(function))
    except RuntimeError:  # nowhere to keep it
        return cast("F", njit(nogil=True)(function))
