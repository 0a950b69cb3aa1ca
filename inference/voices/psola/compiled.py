"""Compiles the chain to machine code, because a worker converts many voices on one thread and time is scarce there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])

# Sums may be reordered, so that they run eight at a time. The compiler must not assume that numbers are finite.
_OPTIONS: Final = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}


def compiled(function: F) -> F:
    """Compiles a part of the chain into its callers; the Python original is its `py_func`."""
    return cast("F", njit(**_OPTIONS)(function))


def compiled_and_kept(function: F) -> F:
    """Compiles the whole chain and caches it on disk where a folder is writable, so that the next start is quick.

    To see whether its cache is out of date, numba looks only at the file of the function. `function` must therefore be
    a closure over `fingerprint`, which changes with any file of the chain and is part of numba's key."""
    try:
        return cast("F", njit(cache=True, **_OPTIONS)(function))
    except RuntimeError:  # There is nowhere to cache it.
        return compiled(function)


def fingerprint() -> str:
    """Returns the SHA-256 over the source of every part of the chain."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
