from __future__ import annotations

import pytest
from django.conf import LazySettings


@pytest.fixture(autouse=True)
def _no_static_files(settings: LazySettings) -> None:
    """Every new test client would look through all of node_modules otherwise."""
    settings.WHITENOISE_USE_FINDERS = False
