"""Loaded before Django's settings (see addopts): tests never touch a working data folder, and no two of pytest-xdist's
workers share anything. pytest-django names a database for each worker; the rest is done here."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.ports import WORKER

ROOT = Path(__file__).resolve().parent.parent

_folder = tempfile.mkdtemp(prefix="hearmeout-tests-")
os.environ.setdefault("MODELS_DIR", str(ROOT / "var" / "models"))  # weights are read, never written, by tests
os.environ["DATA_DIR"] = _folder
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearmeout_site.settings")
os.environ.setdefault("JOURNAL_MIN_FREE_MB", "1")
if "PYTEST_XDIST_WORKER" in os.environ and os.environ.get("REDIS_URL"):
    os.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{1 + WORKER}").geturl()


def pytest_unconfigure() -> None:
    shutil.rmtree(_folder, ignore_errors=True)
