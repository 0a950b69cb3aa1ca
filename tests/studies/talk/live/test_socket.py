"""What the talk socket refuses: told in words, closed with a code, counted in the take's row, and the talk unharmed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection
from pytest_django import Settings

from inference.contract.wire import MAX_AUDIO_BYTES, Ack, Control, Kind, Metadata, encode, encode_audio
from studies.models import Session, Take
from studies.talk import takes
from studies.talk.live.endings import CLOSE_MALFORMED, CLOSE_REFUSED, CLOSE_UNAVAILABLE
from studies.talk.registry import RUNNING
from tests.studies.factories import make_session
from tests.studies.talk.conftest import Serving, open_page, reread
from tests.studies.talk.live.test_relay import end, live_page, noted, sequences
from tests.studies.talk.pages import Page, microphone_frame
from tests.waiting import until


async def refused(page: Page) -> tuple[str, int]:
    """The one error a page was told, and the code it was closed with."""
    await page.open()
    code = await page.until_closed()
    await page.gone()
    [error] = page.errors()
    return error, code


async def ticket_for(take: Take) -> str:
    return await sync_to_async(takes.issue_ticket)(await reread(take))


async def test_ticket_that_is_none(take: Take) -> None:
    assert await refused(Page(take.pk, "nonsense")) == ("bad_ticket", 4401)
    assert await refused(Page(take.pk, "")) == ("bad_ticket", 4401)
    assert (await reread(take)).counts == {"refused": {"bad_ticket": 2}}


async def test_ticket_that_was_changed(take: Take) -> None:
    ticket = await ticket_for(take)
    changed = ("x" if ticket[0] != "x" else "y") + ticket[1:]
    assert await refused(Page(take.pk, changed)) == ("bad_ticket", 4401)


async def test_ticket_used_before(take: Take, serving: Serving) -> None:
    async with serving():
        ticket = await ticket_for(take)
        page = await Page(take.pk, ticket).open()
        await page.event("live")
        assert await refused(Page(take.pk, ticket)) == ("ticket_replayed", 4401)
        await end(page)  # the first goes on undisturbed


async def test_ticket_superseded_by_a_newer_one(take: Take) -> None:
    older = await ticket_for(take)
    await ticket_for(take)
    assert await refused(Page(take.pk, older)) == ("ticket_replayed", 4401)


async def test_expired_ticket(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = await ticket_for(take)
    monkeypatch.setattr("studies.talk.takes.TICKET_TTL_SEC", -1)
    assert await refused(Page(take.pk, ticket)) == ("ticket_expired", 4401)


async def test_take_of_another_participant(session: Session, take: Take) -> None:
    other = await sync_to_async(take_of_another)(session)
    assert await refused(Page(take.pk, await ticket_for(other))) == ("foreign_take", CLOSE_REFUSED)


async def test_talk_is_told_to_try_again_while_the_database_is_away(take: Take) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("the database is away")

    ticket = await ticket_for(take)
    await sync_to_async(lambda: connection.execute_wrappers.append(refuse))()
    try:
        told = await refused(Page(take.pk, ticket))
    finally:
        await sync_to_async(lambda: connection.execute_wrappers.remove(refuse))()
    assert told == ("try_again", CLOSE_UNAVAILABLE)


def take_of_another(session: Session) -> Take:
    return takes.start_take(make_session(session.version, "P-002").trials.get(position=0))


async def test_take_that_is_gone(take: Take) -> None:
    take_id, ticket = take.pk, await ticket_for(take)
    await take.adelete()
    assert await refused(Page(take_id, ticket)) == ("unknown_take", 4404)


@pytest.mark.parametrize("purpose", ["participate", "record"])
async def test_without_consent(session: Session, take: Take, purpose: str) -> None:
    ticket = await ticket_for(take)
    await session.consents.acreate(purpose=purpose, granted=False, document_sha256="0" * 64)
    assert await refused(Page(take.pk, ticket)) == ("no_consent", CLOSE_REFUSED)
    assert (await reread(take)).counts == {"refused": {"no_consent": 1}}


async def test_converted_voice_without_consent_to_conversion(session: Session) -> None:
    trial = await session.trials.select_related("session", "condition", "prompt").aget(position=1)
    take = await sync_to_async(takes.start_take)(trial)
    ticket = await ticket_for(take)
    await session.consents.acreate(purpose="convert", granted=False, document_sha256="0" * 64)
    assert await refused(Page(take.pk, ticket)) == ("no_consent", CLOSE_REFUSED)


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "https://localhost:8001", "null", "", None])
async def test_foreign_origin(take: Take, origin: str | None) -> None:
    ticket = await ticket_for(take)
    assert await refused(Page(take.pk, ticket, origin=origin)) == ("foreign_origin", CLOSE_REFUSED)
    assert (await reread(take)).ticket  # not used up


async def test_trusted_origin(take: Take, serving: Serving, settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://study.example"]
    async with serving():
        await end(await live_page(take, origin="https://study.example"))


MALFORMED = {
    "unknown type": b"\x7fabc",
    "nothing": b"",
    "short frame": encode_audio(Kind.PARTICIPANT, 0, 0, b"")[:9],
    "frame of another length": encode_audio(Kind.PARTICIPANT, 0, 0, microphone_frame(0)[:-2]),
    "oversized frame": encode_audio(Kind.PARTICIPANT, 0, 0, bytes(4 * MAX_AUDIO_BYTES)),
    "frame far beyond the limit": encode_audio(Kind.PARTICIPANT, 0, 2**50, microphone_frame(0)),
    "sequence far beyond the limit": encode_audio(Kind.PARTICIPANT, 2**31, 0, microphone_frame(0)),
    "agent's frame": encode_audio(Kind.AGENT, 0, 0, microphone_frame(0)),
    "acknowledgement": encode(Ack(3)),
    "control": encode(Control(0)),
    "no JSON": bytes([Kind.METADATA]) + b"{",
    "event of the other side": encode(Metadata("ended", {"reason": "limit", "message": ""})),
    "event without its fields": bytes([Kind.METADATA]) + b'{"event": "mute"}',
    "report cut short": bytes([Kind.PLAYBACK, 0, 0]),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_malformed_message(take: Take, serving: Serving, name: str) -> None:
    await check_refused_and_goes_on(take, serving, lambda page: page.send(MALFORMED[name]))


async def test_text_on_the_audio_socket(take: Take, serving: Serving) -> None:
    await check_refused_and_goes_on(take, serving, lambda page: page.send_text("hello"))


async def check_refused_and_goes_on(take: Take, serving: Serving, misbehave: Callable[[Page], None]) -> None:
    async with serving():
        page = await live_page(take)
        page.say(0, 1)
        misbehave(page)
        page.say(2, 3)  # not taken from this socket any more
        assert await page.until_closed() == CLOSE_MALFORMED
        assert page.errors() == ["malformed_message"]
        await page.gone()
        again = await open_page(take)
        assert (await again.event("hello"))["next_sequence"] == 2
        await end(again)
    assert sequences(take) == [0, 1]
    assert [event["code"] for event in noted(take, "refused")] == ["malformed_message"]


async def test_flood_of_events_is_stopped(take: Take, serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studies.talk.live.state.MAX_EVENT_BYTES", 1_000)
    async with serving():
        page = await live_page(take)
        for _ in range(100):
            page.tell("buffer", change="steered")
        assert await page.until_closed() == CLOSE_MALFORMED
        await page.gone()
        assert len(noted(take, "buffer")) < 100
        RUNNING[take.pk].end("participant")
        await until(lambda: take.pk not in RUNNING)
