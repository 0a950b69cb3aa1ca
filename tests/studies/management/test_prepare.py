"""What is there before the first start."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import call_command

from hearmeout_site.environment import WebSettings
from studies.models import Study

PRODUCTION = {
    "HEARMEOUT_MODE": "production",
    "SECRET_KEY": "vZ3kq0w8sJYc5n1RrT7xUe2LbH9dPfGm",
    "WORKER_SECRET": "Qm4yN8tKa6Wz0cVj2RxEo5uHs7PgLb1D",
    "ALLOWED_HOSTS": "study.example.org",
}


@pytest.mark.parametrize(
    ("environ", "opens"),
    [
        ({}, True),
        ({"DEMO_STUDIES": "false"}, False),
        (PRODUCTION, False),
        (PRODUCTION | {"DEMO_STUDIES": "true"}, True),
    ],
)
def test_demos_are_opened_in_production_only_when_asked_for(environ: dict[str, str], opens: bool) -> None:
    assert WebSettings.read(environ).opens_demos is opens


@pytest.mark.parametrize(("opens", "studies"), [(True, 4), (False, 0)])
def test_database_is_prepared_with_demos_or_without(
    opens: bool, studies: int, db: None, settings: LazySettings
) -> None:
    settings.OPENS_DEMOS = opens
    settings.WHITENOISE_USE_FINDERS = True  # no files are collected
    call_command("prepare")
    assert (Study.objects.count(), User.objects.count()) == (studies, 1)
