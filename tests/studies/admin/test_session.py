"""Excluding sessions, and counting them again."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from studies.models import AllocationSlot, Session
from tests.studies import factories
from tests.studies.allocation.people import join, version_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return join(version_of())


def run(client: Client, session: Session, action: str, **fields: str) -> str:
    """What the page says afterwards."""
    chosen = {"action": action, "_selected_action": str(session.pk), **fields}
    page = client.post(reverse("admin:studies_session_changelist"), chosen, follow=True)
    session.refresh_from_db()
    return " ".join(str(message) for message in page.context["messages"])


def test_researcher_excludes_a_session_and_counts_it_again(client: Client, session: Session) -> None:
    client.force_login(factories.make_researcher())
    said = run(client, session, "exclude_sessions", because="Talked to somebody else.")
    assert said == "1 excluded. Their places are free for others."
    assert session.excluded_at is not None
    assert session.excluded_because == "Talked to somebody else."
    assert not AllocationSlot.objects.filter(session=session).exists()
    assert run(client, session, "readmit_sessions") == "1 count again."
    assert session.excluded_at is None
    assert AllocationSlot.objects.get(session=session).arm == session.arm


def test_exclusion_needs_a_reason(client: Client, session: Session) -> None:
    client.force_login(factories.make_researcher())
    assert run(client, session, "exclude_sessions", because=" ").startswith("Nothing was excluded. Give a reason")
    assert session.excluded_at is None


def test_nobody_excludes_without_permission(client: Client, session: Session) -> None:
    max_ = factories.make_researcher("max", permitted=False)
    max_.user_permissions.set(Permission.objects.filter(codename="view_session"))
    client.force_login(max_)
    run(client, session, "exclude_sessions", because="I do not like it.")
    assert session.excluded_at is None


def test_page_of_a_session_says_its_place(client: Client, session: Session) -> None:
    client.force_login(factories.make_researcher())
    page = client.get(reverse("admin:studies_session_change", args=[session.pk])).content.decode()
    assert "1.1, held until" in page


def test_list_says_the_arm_of_those_that_have_one_and_why_one_is_excluded(client: Client, session: Session) -> None:
    client.force_login(factories.make_researcher())
    run(client, session, "exclude_sessions", because="Spoke to somebody.")
    lists = client.get(reverse("admin:studies_session_changelist")).context["cl"].model_admin
    planned, fresh = session, Session(arm=0)
    assert [lists.shown_arm(each) for each in (planned, fresh)] == [str(session.arm), ""]
    assert [lists.excluded(each) for each in (planned, fresh)] == ["Spoke to somebody.", ""]
