from __future__ import annotations

from tests.studies.talk.conftest import serving

__all__ = ["serving"]
