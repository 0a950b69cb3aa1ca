"""Numbers that no database counts to, and NUL, wherever an address or a form takes them."""

from __future__ import annotations

import pytest
from django.test import Client

from studies.models import Session
from tests.studies import factories

HUGE = 2**70
PLACES = [
    f"/p/{{token}}/talk/{HUGE}/",
    f"/p/{{token}}/break/{HUGE}/",
    f"/p/{{token}}/compare/{HUGE}/",
    f"/p/{{token}}/questions/rating/{HUGE}/",
    "/p/{token}/preview/a%00b/",
    "/p/{token}/tab/?epoch=%00",
    "/p/{token}/explore/?prompt=%00&engine=%00",
    "/p/{token}/explore/compare/?take=%00",
    f"/s/{{slug}}/?entry=%00&language=%00&id={HUGE}",
    f"/research/voices/{HUGE}.flac",
    f"/research/studies/{{slug}}/design/versions/{HUGE}.yaml",
    f"/research/studies/{{slug}}/design/versions/{HUGE}/changes/?since=%00",
    "/research/studies/{slug}/design/?version=%00",
    f"/research/studies/{{slug}}/design/translate/?language=%00&version={HUGE}",
    f"/admin/studies/take/?q=%00&p={HUGE}",
    f"/admin/studies/session/{HUGE}/change/",
    f"/admin/studies/targetvoice/add/?track={HUGE}",
    f"/voices/{'0' * 64}.flac?x=%00",
]


@pytest.fixture
def session(db: None) -> Session:
    return factories.make_session(factories.make_study())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_address_that_nothing_can_be_at_is_no_fault_of_ours(session: Session, place: str, method: str) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(factories.make_researcher("rosa"))
    answer = getattr(browser, method)(place.format(token=session.token, slug=session.study.slug))
    assert answer.status_code < 500
