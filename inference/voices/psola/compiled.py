"""Compiles the chain to machine code: a worker converts many voices on one thread, and time is scarce there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])

# sums may be reordered, so that they run eight at a time; no number may be taken for finite that is not
_OPTIONS: Final = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}


def compiled(function: F) -> F:
    """A part of the chain: compiled into what calls it, with its Python original as `py_func`."""
    return cast("F", njit(**_OPTIONS)(function))


def compiled_and_kept(function: F) -> F:
    """The whole chain: kept on disk where a folder is writable, so that the next start is quick.

    numba looks at the file of the function alone to see whether what it kept is out of date. `function` must
    therefore be a closure over `fingerprint`, which changes with any file of the chain and is part of numba's key."""
    try:
        return cast("F", njit(cache=True, **_OPTIONS)(function))
    except RuntimeError:  # nowhere to keep it
        return compiled(function)


def fingerprint() -> str:
    """SHA-256 over the source of every part of the chain."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
