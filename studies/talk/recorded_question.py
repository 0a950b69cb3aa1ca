"""The question that a participant asked in an earlier take, cut out of its microphone track to be asked again."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from inference.contract.audio import SAMPLE_RATE_HZ, float32_to_pcm16
from studies.errors import RecordingError, TakeRefused
from studies.insights.speech import Stretch, speech_stretches
from studies.models import AccessLog, Take, Track
from studies.talk.integrity import samples_of

MARGIN_SAMPLES: Final = SAMPLE_RATE_HZ * 3 // 10  # kept around the speech, so that no soft beginning or end is cut off


def recorded_question(take: Take) -> bytes:
    """Returns the question of a filed take as PCM16. The caller has checked what its participant agrees to.

    The read is noted in the access log. Raises TakeRefused if the recording is gone or holds no speech."""
    tracks = {track.kind: track for track in take.tracks.all()}
    try:
        participant, agent = (samples_of(tracks[kind]) for kind in (Track.Kind.PARTICIPANT, Track.Kind.AGENT))
    except (KeyError, FileNotFoundError, RecordingError):
        raise TakeRefused("nothing_said", _("The recording of this question is no longer there.")) from None
    AccessLog.objects.create(reader="participant", action="ask again", target=f"{take.pk} {Track.Kind.PARTICIPANT}")
    question = question_in(speech_stretches(participant), speech_stretches(agent))
    if question is None:
        raise TakeRefused("nothing_said", _("No speech was found in this recording, so it cannot be asked again."))
    start = max(0, question.start - MARGIN_SAMPLES)
    return float32_to_pcm16(participant[start : question.end + MARGIN_SAMPLES])


def question_in(said: list[Stretch], answered: list[Stretch]) -> Stretch | None:
    """Returns where the question lies: everything said before the machine first answered.

    `said` and `answered` are the stretches of speech of the participant and the machine. What the machine said before
    the participant began was no answer. Returns None if nothing was said."""
    if not said:
        return None
    begun = said[0].start
    answer = next((stretch.start for stretch in answered if stretch.start > begun), None)
    asked = [stretch for stretch in said if answer is None or stretch.start < answer]
    return Stretch(begun, asked[-1].end)
