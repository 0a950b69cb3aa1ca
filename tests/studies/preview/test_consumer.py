"""The preview socket, from Origin check to inference worker and back; nothing of it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from inference.contract.audio import PCM16_SCALE, UPLINK_SAMPLES, float32_to_pcm16, pcm16_to_float32
from inference.contract.latency import latency_samples
from inference.contract.presets import PRESETS
from inference.contract.wire import AudioFrame, Kind, Ping, encode, encode_audio
from inference.voices.transform import Transform
from studies.insights.pitch import pitch_contour
from studies.models import ConsentEvent, Session, Study, Take
from studies.preview import consumer
from studies.preview.hearing import hearing_of, voice_numbers
from studies.talk.registry import PREVIEWS
from tests.signals import vowel
from tests.studies.factories import PROTOCOL, make_session, make_study
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import explore
from tests.studies.talk.conftest import Serving
from tests.studies.talk.pages import Page, microphone_frame

pytestmark = pytest.mark.django_db(transaction=True)
FRAMES = 25  # half a second
PREVIEWED = f"{PROTOCOL}\nhear_yourself: preview\n"
SAID = b"".join(microphone_frame(sequence) for sequence in range(FRAMES))


class PreviewPage(Page):
    def __init__(self, token: str, origin: str = "http://localhost:8000") -> None:
        super().__init__("", "", origin)
        self._scope["path"] = f"/ws/p/{token}/preview/"
        self.reports = False

    def speak(self, frames: int = FRAMES, first: int = 0) -> None:
        self.say(*range(first, first + frames))

    def ask(self, number: int, **order: Any) -> None:
        self.tell("render", number=number, **order)

    async def rendered(self, number: int) -> tuple[dict[str, Any], bytes]:
        """What was told of it, and its PCM16."""
        await self.until(lambda: any(event["number"] == number for event in self.events("rendered")))
        [told] = [event for event in self.events("rendered") if event["number"] == number]
        frames = -(-told["samples"] // 1_920)
        await self.until(lambda: len(self.agent_frames()) >= frames)
        return told, b"".join(frame.pcm for frame in self.agent_frames()[-frames:])


def kept_files() -> list[Path]:
    """All but the database's own, and the cache, which notes what tokens were used."""
    folder = Path(settings.DATA_DIR)
    found = (path for path in folder.rglob("*") if "cache" not in path.relative_to(folder).parts)
    return sorted(path for path in found if not path.name.startswith("test.sqlite3"))


def sessioned(protocol: str = PREVIEWED) -> Session:
    return make_session(make_study(protocol=protocol))


@pytest.fixture
async def session(transactional_db: None) -> Session:
    return await sync_to_async(sessioned)()


async def test_sentence_comes_back_in_the_voices_of_the_study(session: Session, serving: Serving) -> None:
    async with serving():
        page = await PreviewPage(session.token).open()
        page.speak()
        answers = []
        for voice in (0, 1):
            page.ask(voice, voice=voice)
            answers.append(await page.rendered(voice))
        page.drop()
        await page.gone()
    stream = Transform().open(PRESETS["lower"].parameters, session.seed)
    late = stream.latency_samples
    said = pcm16_to_float32(SAID)
    padded = np.pad(said, (0, -(-(len(said) + late) // 1_920) * 1_920 - len(said)))
    lower = stream.push(padded.astype(np.float32))[late : late + len(said)]
    heard = {told["latency_samples"]: pcm for told, pcm in answers}
    assert heard[0] == SAID
    np.testing.assert_array_equal(np.frombuffer(heard[late], "<i2"), np.rint(lower * np.float32(PCM16_SCALE)))


async def test_round_trip_goes_to_the_worker_and_back(session: Session, serving: Serving) -> None:
    async with serving() as worker:
        page = await PreviewPage(session.token).open()
        for number in range(3):
            page.tell("probe", number=number)
        await page.until(lambda: len(page.events("probed")) == 3)
        late = latency_samples("transform", PRESETS["lower"].parameters)
        assert page.events("probed") == [{"number": number, "latency_samples": late} for number in range(3)]
        assert worker.takes.table.free_slots == 2
        page.drop()
        await page.gone()


async def test_ping_comes_back_without_any_worker(session: Session) -> None:
    page = await PreviewPage(session.token).open()
    for _ in range(3):
        page.send(encode(Ping()))
    await page.until(lambda: len(page.messages) == 3)
    assert page.messages == [Ping(), Ping(), Ping()]
    page.drop()
    await page.gone()


async def test_nothing_is_kept(session: Session, serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    before = kept_files()
    async with serving():
        page = await PreviewPage(session.token).open()
        page.speak()
        page.ask(1, voice=0)
        await page.rendered(1)
        page.drop()
        await page.gone()
    assert kept_files() == before
    assert await Take.objects.acount() == 0
    assert session.token not in caplog.text


async def test_new_sentence_takes_the_place_of_the_last(session: Session, serving: Serving) -> None:
    async with serving():
        page = await PreviewPage(session.token).open()
        page.speak()
        page.speak(frames=5)
        page.ask(1, voice=0)
        told, _ = await page.rendered(1)
        page.drop()
    assert told["samples"] == 5 * UPLINK_SAMPLES


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"voice": 2}, "not_offered"),
        ({"voice": -1}, "not_offered"),
        ({"voice": "0"}, "not_offered"),
        ({"parameters": {"f0_ratio": 1.2}}, "not_offered"),
        ({}, "not_offered"),
    ],
)
async def test_voice_that_the_study_does_not_let_be_heard(
    session: Session, serving: Serving, order: dict[str, Any], code: str
) -> None:
    async with serving():
        page = await PreviewPage(session.token).open()
        page.speak()
        page.ask(1, **order)
        await page.until(lambda: page.errors() == [code])
        page.ask(2, voice=0)  # the page may go on
        await page.rendered(2)
        page.drop()


@pytest.fixture
async def visiting(transactional_db: None) -> Session:
    """In an explore study with a free voice, past its consent."""

    def visit() -> Session:
        document = explore()
        document["offer"]["free_voice"] = True
        open_new_study(document)
        return Visitor().to_talk().session

    return await sync_to_async(visit)()


async def test_sliders_are_heard(visiting: Session, serving: Serving) -> None:
    async with serving():
        page = await PreviewPage(visiting.token).open()
        said = float32_to_pcm16(vowel(120.0, 1.0))
        for sequence, start in enumerate(range(0, len(said), 960)):
            page.send(encode_audio(Kind.PARTICIPANT, sequence, sequence * UPLINK_SAMPLES, said[start : start + 960]))
        medians_hz = []
        for number, ratio in enumerate((1.0, 1.5)):
            page.ask(number, parameters={"f0_ratio": ratio})
            _, heard = await page.rendered(number)
            f0_hz = pitch_contour(pcm16_to_float32(heard)).f0_hz
            medians_hz.append(np.median(f0_hz[f0_hz > 0]))
        page.drop()
    assert medians_hz == pytest.approx([120.0, 180.0], rel=0.01)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [({"f0_ratio": 9}, "bad_voice"), ({"floor_hz": 60}, "bad_voice"), ({"f0_ratio": "high"}, "bad_voice")],
)
async def test_sliders_out_of_their_range(
    visiting: Session, serving: Serving, parameters: dict[str, Any], code: str
) -> None:
    async with serving():
        page = await PreviewPage(visiting.token).open()
        page.speak()
        page.ask(1, parameters=parameters)
        await page.until(lambda: page.errors() == [code])
        page.drop()


async def test_nothing_said(session: Session, serving: Serving) -> None:
    async with serving():
        page = await PreviewPage(session.token).open()
        page.ask(1, voice=0)
        await page.until(lambda: page.errors() == ["nothing_said"])
        page.drop()


async def test_without_a_worker_it_is_said(session: Session) -> None:
    page = await PreviewPage(session.token).open()
    page.tell("probe", number=0)
    await page.until(lambda: page.errors() == ["no_worker"])
    page.drop()
    await page.gone()


@pytest.mark.parametrize("purpose", ["participate", "convert"])
async def test_without_consent_no_voice_is_changed(session: Session, serving: Serving, purpose: str) -> None:
    async with serving():
        page = await PreviewPage(session.token).open()
        page.speak()
        await ConsentEvent.objects.acreate(
            session=session, purpose=purpose, granted=False, document_sha256="0" * 64
        )  # withdrawn while the page is open
        page.ask(1, voice=0)
        await page.until(lambda: page.errors() == ["not_offered"])
        page.drop()


async def test_without_consent_to_recording_the_socket_closes(session: Session, serving: Serving) -> None:
    async with serving():
        page = await PreviewPage(session.token).open()
        page.speak()
        await ConsentEvent.objects.acreate(session=session, purpose="record", granted=False, document_sha256="0" * 64)
        page.ask(1, voice=0)
        assert await page.until_closed() == 4403
        assert page.errors() == ["no_consent"]


async def test_study_that_lets_nobody_hear_themselves(transactional_db: None, serving: Serving) -> None:
    session = await sync_to_async(sessioned)(PROTOCOL)
    async with serving():
        page = await PreviewPage(session.token).open()
        page.speak()
        page.ask(1, voice=0)
        await page.until(lambda: page.errors() == ["not_offered"])
        page.drop()


async def test_unknown_link_and_session_that_is_over(session: Session) -> None:
    page = await PreviewPage("no-such-token").open()
    assert await page.until_closed() == 4403
    assert page.errors() == ["unknown_session"]
    await Study.objects.aupdate(state=Study.State.PAUSED)
    page = await PreviewPage(session.token).open()
    assert await page.until_closed() == 4403
    assert page.errors() == ["study_paused"]


async def test_withdrawal_closes_an_open_preview(session: Session) -> None:
    page = await PreviewPage(session.token).open()
    page.speak()
    await Session.objects.aupdate(state=Session.State.WITHDRAWN)
    assert await page.until_closed() == 4403
    assert page.errors() == ["session_over"]
    await page.gone()
    assert set() == PREVIEWS


async def test_page_of_another_site_is_refused(session: Session) -> None:
    page = await PreviewPage(session.token, "http://evil.example").open()
    assert await page.until_closed() == 4403
    assert page.errors() == ["foreign_origin"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        encode_audio(Kind.PARTICIPANT, 0, 0, bytes(100)),
        encode_audio(Kind.PARTICIPANT, 7, 0, bytes(960)),
        encode_audio(Kind.HEARD, 0, 0, bytes(960)),
    ],
    ids=["nothing", "nonsense", "short", "out of order", "heard"],
)
async def test_malformed_message_closes(session: Session, data: bytes) -> None:
    page = await PreviewPage(session.token).open()
    page.send(data)
    assert await page.until_closed() == 4400
    assert page.errors() == ["malformed_message"]


async def test_sentence_has_an_end(session: Session) -> None:
    page = await PreviewPage(session.token).open()
    page.speak(consumer.MAX_FRAMES + 1)
    assert await page.until_closed() == 4400
    assert [message for message in page.messages if isinstance(message, AudioFrame)] == []


async def test_rendered_sentence_is_told_with_its_pitch(session: Session, serving: Serving) -> None:
    said = float32_to_pcm16(vowel(120.0, 1.0))
    async with serving():
        page = await PreviewPage(session.token).open()
        for sequence in range(len(said) // (2 * UPLINK_SAMPLES)):
            pcm = said[2 * sequence * UPLINK_SAMPLES :][: 2 * UPLINK_SAMPLES]
            page.send(encode_audio(Kind.PARTICIPANT, sequence, sequence * UPLINK_SAMPLES, pcm))
        told = []
        for voice in (0, 1):
            page.ask(voice, voice=voice)
            told.append((await page.rendered(voice))[0]["pitch_hz"])
        page.drop()
        await page.gone()
    assert sorted(told) == pytest.approx([0.59 * 120, 120], rel=0.03)


def test_sentence_that_is_hardly_voiced_has_no_pitch() -> None:
    assert consumer.pitch_hz(bytes(48_000)) is None


def test_voice_of_an_explore_study_is_heard_under_its_own_number() -> None:
    open_new_study(explore(hear_yourself="live"))
    session = Visitor().to_talk().session
    numbers, voices = voice_numbers(session), hearing_of(session).voices
    assert {key: voices[number].converter for key, number in numbers.items()} == {"own": "none", "higher": "transform"}


def test_voice_is_not_heard_before_the_talk_where_the_study_does_not_let_it() -> None:
    open_new_study(explore())
    assert voice_numbers(Visitor().to_talk().session) == {}
