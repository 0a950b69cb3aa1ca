"""Which database the tests run on."""

from __future__ import annotations

import pytest
from django.db import connection


@pytest.mark.services
@pytest.mark.django_db
def test_database_of_the_tests_is_the_one_named() -> None:
    assert connection.vendor == "postgresql"
