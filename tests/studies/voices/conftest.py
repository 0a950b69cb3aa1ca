from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings

from studies.models import PinnedVoice


@pytest.fixture(autouse=True)
def _no_pins_at_the_flush(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test with transactions SQLite is emptied table by table, in any order, and refuses to lose a voice that
    is pinned."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction"):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    PinnedVoice.objects.all().delete()


@pytest.fixture(autouse=True)
def _no_files_of_other_tests() -> None:
    """A rolled back row leaves its file, and the next test's row its number."""
    shutil.rmtree(settings.RECORDINGS_DIR / "voices", ignore_errors=True)
