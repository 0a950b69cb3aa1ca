"""Loaded before Django's settings (see addopts): tests never touch a working data folder."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_folder = tempfile.mkdtemp(prefix="hearmeout-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["DATA_DIR"] = _folder
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearmeout_site.settings")
os.environ.setdefault("JOURNAL_MIN_FREE_MB", "1")
