"""The question in a recording: what was said before the machine first answered."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from django.core.files.base import ContentFile

from inference.contract.audio import SAMPLE_RATE_HZ, Float32, pcm16_to_float32
from studies.errors import TakeRefused
from studies.insights.speech import Stretch
from studies.models import AccessLog, Session, Take
from studies.talk.integrity import digest
from studies.talk.recorded_question import MARGIN_SAMPLES, question_in, recorded_question
from tests.studies.factories import make_take

QUESTION = Stretch(1_000, 2_000)


@pytest.mark.parametrize(
    ("said", "answered", "question"),
    [
        ([QUESTION], [Stretch(3_000, 4_000)], QUESTION),
        ([QUESTION, Stretch(5_000, 6_000)], [Stretch(3_000, 4_000)], QUESTION),
        ([QUESTION, Stretch(2_500, 2_800)], [Stretch(3_000, 4_000)], Stretch(1_000, 2_800)),
        ([QUESTION], [Stretch(0, 900), Stretch(3_000, 4_000)], QUESTION),  # the machine greeted
        ([QUESTION, Stretch(5_000, 6_000)], [], Stretch(1_000, 6_000)),  # it never answered
        ([], [Stretch(3_000, 4_000)], None),
    ],
)
def test_question_is_what_was_said_before_the_first_answer(
    said: list[Stretch], answered: list[Stretch], question: Stretch | None
) -> None:
    assert question_in(said, answered) == question


def bursts(*seconds: tuple[float, float], length_sec: float = 6.0) -> Float32:
    """Tones over faint noise, at these seconds."""
    samples = np.random.default_rng(1).standard_normal(round(length_sec * SAMPLE_RATE_HZ)).astype(np.float32) * 1e-4
    for start, end in seconds:
        where = slice(round(start * SAMPLE_RATE_HZ), round(end * SAMPLE_RATE_HZ))
        samples[where] += np.sin(np.arange(where.stop - where.start) / 20).astype(np.float32) * np.float32(0.3)
    return samples


def record(take: Take, kind: str, samples: Float32) -> None:
    """Puts this sound in the place of a track's."""
    data = io.BytesIO()
    soundfile.write(data, samples, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    track = take.tracks.get(kind=kind)
    track.file.save(f"{take.pk}/{kind}.flac", ContentFile(data.getvalue()), save=False)
    track.sha256 = digest(str(track.file.name))
    track.save()


@pytest.fixture
def spoken(session: Session) -> Take:
    """A take with a question from 1 to 2 s, an answer from 3 to 4 s, and a second question."""
    take = make_take(session.trials.get(position=0))
    record(take, "participant", bursts((1, 2), (5, 5.5)))
    record(take, "agent", bursts((3, 4)))
    return take


def test_question_is_cut_out_of_the_microphone_track_and_the_read_is_logged(spoken: Take) -> None:
    pcm = pcm16_to_float32(recorded_question(spoken))
    assert len(pcm) == pytest.approx(SAMPLE_RATE_HZ + 2 * MARGIN_SAMPLES, abs=SAMPLE_RATE_HZ / 50)
    whole = bursts((1, 2), (5, 5.5))
    start = SAMPLE_RATE_HZ - MARGIN_SAMPLES
    found = int(np.argmax(np.correlate(whole[start - 480 : start + 480 + len(pcm)], pcm, "valid")))
    assert found == pytest.approx(480, abs=240)
    assert AccessLog.objects.values_list("reader", "action", "target").get() == (
        "participant",
        "ask again",
        f"{spoken.pk} participant",
    )


def test_recording_without_speech_or_without_a_file_is_refused(spoken: Take) -> None:
    record(spoken, "participant", bursts())
    with pytest.raises(TakeRefused, match="No speech was found"):
        recorded_question(spoken)
    spoken.tracks.all().delete()
    with pytest.raises(TakeRefused, match="no longer there"):
        recorded_question(spoken)
