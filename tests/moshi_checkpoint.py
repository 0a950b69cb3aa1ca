"""The tiny Moshi that tests talk to: random weights, real architecture, made once for each run of the tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from inference.engines.moshi import tiny


@cache
def tiny_checkpoint() -> Path:
    """Its folder; MOSHI_CHECKPOINT of whoever wants to serve it. Nobody may change it: copy it for that."""
    root = Path(tempfile.mkdtemp(prefix="hearmeout-moshi-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    folder = root / "tiny"
    tiny.make(folder)
    return folder
