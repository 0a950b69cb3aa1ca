"""What a socket tells the participant, it tells in the session's language, whoever brought it about."""

from __future__ import annotations

import pytest

from inference.contract.wire import ErrorMessage
from studies.models import Session, Take
from tests.studies.talk.conftest import Serving, open_page
from tests.studies.talk.live.test_relay import end
from tests.studies.talk.pages import Page


@pytest.fixture
async def swedish(session: Session) -> None:
    await Session.objects.filter(pk=session.pk).aupdate(language="sv-FI")


async def test_refusal_is_told_in_the_language_of_the_session(take: Take, swedish: None) -> None:
    page = Page(take.pk, "nonsense")
    await page.open()
    await page.until_closed()
    assert [message.message for message in page.messages if isinstance(message, ErrorMessage)] == [
        "Anslutningen är inte tillåten. Ladda om sidan."
    ]


async def test_end_and_takeover_are_told_in_the_language_of_the_session(
    take: Take, swedish: None, serving: Serving
) -> None:
    async with serving():
        first = await open_page(take)
        await first.event("live")
        second = await open_page(take)
        await first.until_closed()
        assert first.events("ended")[0]["message"] == "Samtalet fortsätter i ett annat fönster."
        await end(second)
        assert second.events("ended")[0]["message"] == "Du avslutade samtalet."


async def test_session_without_a_language_hears_english(take: Take) -> None:
    page = Page(take.pk, "nonsense")
    await page.open()
    await page.until_closed()
    assert [message.message for message in page.messages if isinstance(message, ErrorMessage)] == [
        "This connection is not allowed. Please reload the page."
    ]
