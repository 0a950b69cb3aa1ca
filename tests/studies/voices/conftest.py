from __future__ import annotations

import shutil

import pytest
from django.conf import settings


@pytest.fixture(autouse=True)
def _no_files_of_other_tests() -> None:
    """A rolled back row leaves its file, and the next test's row its number."""
    shutil.rmtree(settings.RECORDINGS_DIR / "voices", ignore_errors=True)
