"""Real laughs and real speech, from system packages that are fetched at test time."""

from __future__ import annotations

import pytest

from tests.bench.noticing import Count, count
from tests.bench.noticing_sounds import SMALL, kinds
from tests.bench.voices_speech import NoSpeech

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

QUIET_ROOM_DBFS = -65.0
MOST_FALSE_ALARMS = 0.03  # of telephone prompts; docs/told.md has the share that was measured


@pytest.fixture(scope="module")
def counts() -> dict[str, Count]:
    try:
        return {kind.name: count(kind, QUIET_ROOM_DBFS) for kind in kinds(SMALL)}
    except NoSpeech as error:
        pytest.skip(str(error))


def test_laughs_are_noticed(counts: dict[str, Count]) -> None:
    laughs = counts["laughs (scratch)"]
    assert (laughs.recordings, len(laughs.laughing), laughs.sighing) == (4, 3, [])
    assert laughs.missed == ["Human/Laugh-female.wav"]


def test_readers_neither_laugh_nor_sigh(counts: dict[str, Count]) -> None:
    readers = counts["readers"]
    assert readers.recordings > 10
    assert (readers.laughing, readers.sighing) == ([], [])


def test_prompts_are_seldom_taken_for_laughs_and_never_for_sighs(counts: dict[str, Count]) -> None:
    for name in ("telephone prompts, tuned on", "telephone prompts, others"):
        prompts = counts[name]
        assert len(prompts.laughing) <= MOST_FALSE_ALARMS * prompts.recordings
        assert prompts.sighing == []
