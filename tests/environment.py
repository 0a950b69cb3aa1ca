"""Loaded before Django's settings (see addopts): tests never touch a working data folder."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_folder = tempfile.mkdtemp(prefix="hearmeout-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("MODELS_DIR", str(ROOT / "var" / "models"))  # weights are read, never written, by tests
os.environ["DATA_DIR"] = _folder
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearmeout_site.settings")
os.environ.setdefault("JOURNAL_MIN_FREE_MB", "1")
