from __future__ import annotations

from datetime import date, datetime, tzinfo

import pytest
from django.conf import LazySettings
from django.utils import timezone


@pytest.fixture(autouse=True)
def _no_static_files(settings: LazySettings) -> None:
    """Every new test client would look through all of node_modules otherwise."""
    settings.WHITENOISE_USE_FINDERS = False


@pytest.fixture(autouse=True)
def _one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays the day on which the test began, even when midnight comes before what it compares with that day."""
    today, localdate = timezone.localdate(), timezone.localdate

    def of_the_test(value: datetime | None = None, timezone: tzinfo | None = None) -> date:
        return today if value is None else localdate(value, timezone)

    monkeypatch.setattr("django.utils.timezone.localdate", of_the_test)
