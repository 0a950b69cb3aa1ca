"""The numbers of the start page are those of the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studies.models import ErasureReceipt, Export, Session, Study, Take
from studies.researcher.views import PRESENT_MIN, overview
from tests.studies import factories
from tests.studies.participant.visitor import open_new_study
from tests.studies.protocol.documents import explore


def test_empty_installation_says_what_to_do_next(db: None, client: Client) -> None:
    client.force_login(factories.make_researcher())
    page = client.get(reverse("admin:index")).content.decode()
    asked = ["No study yet.", "Nobody is talking", "No inference worker has reported", "There is no activity yet."]
    assert [text in page for text in asked] == [True] * 4


def test_numbers_equal_the_database(db: None) -> None:
    version = factories.make_study()
    live, filing, away = (factories.make_session(version, code) for code in ("P-001", "P-002", "P-003"))
    live_take = factories.make_take(live.trials.all()[0], state=Take.State.LIVE, tracks=False)
    factories.make_take(filing.trials.all()[0], state=Take.State.ENDED, tracks=False)
    failed = factories.make_take(filing.trials.all()[1], state=Take.State.FAILED, tracks=False)
    long_ago = timezone.now() - timedelta(minutes=PRESENT_MIN + 1)
    Session.objects.filter(pk__in=[live.pk, away.pk]).update(seen_at=long_ago)
    factories.make_worker("fresh", slots=4, free_slots=1, queue_length=2)
    factories.make_worker("stale", seen_ago_sec=settings.WORKER_STALE_SEC + 5, slots=8, queue_length=7)

    now = overview()

    assert now.live_takes == [live_take]
    assert now.present == 2  # one talks though no page was opened lately, one was seen lately
    assert (now.waiting, now.free_slots, now.slots) == (2, 1, 4)
    assert [(line.worker.name, line.fresh) for line in now.workers] == [("fresh", True), ("stale", False)]
    assert (now.filing, now.failed) == (1, [failed])


def test_open_study_that_nobody_answers_says_why(db: None, client: Client) -> None:
    study = factories.make_study().study
    factories.make_study("paused", state=Study.State.PAUSED)
    assert [line.unserved for line in overview().studies] == [
        [],
        ["No machine answers as cascade: no inference worker reports."],
    ]
    factories.make_worker("tiny", engines={"cascade": {"test_only": True}})
    factories.make_worker("other", engines={"echo": {}})
    reason = (
        "No machine answers as cascade: other does not run cascade; tiny runs cascade with random weights, for tests "
        "only (test_only), and the study is open."
    )
    client.force_login(factories.make_researcher())
    for url in (reverse("now"), reverse("admin:studies_study_change", args=[study.pk])):
        assert reason in client.get(url).content.decode()
    factories.make_worker("true")
    assert [line.unserved for line in overview().studies] == [[], []]
    assert "somebody is there" in client.get(reverse("admin:studies_study_change", args=[study.pk])).content.decode()


def test_steps_of_a_worker_are_drawn_against_what_a_step_may_take(db: None, client: Client) -> None:
    steps = {"step_ms_p50": 20.0, "step_ms_p95": 90.0, "step_ms_p99": 500.0}
    snapshot = {"model": "kyutai/moshiko", "revision": "a" * 40, "device": "NVIDIA L4", "slots": 8, "test_only": True}
    worker = factories.make_worker("gpu-1", engines={"moshi": snapshot}, late_steps=7, accepting=False, **steps)
    state = overview().workers[0]
    assert (state.status, state.engines[0].facts) == (
        ("paused", "Too slow for more"),
        ("kyutai/moshiko", "revision aaaaaaaaaaaa", "NVIDIA L4", "slots 8"),
    )
    assert state.chart is not None
    assert (state.chart.places, state.chart.is_late) == ({"p50": 12.5, "p95": 56.2, "p99": 100.0, "budget": 50.0}, True)
    client.force_login(factories.make_researcher())
    for url in (reverse("now"), reverse("admin:studies_inferenceworker_change", args=[worker.pk])):
        page = client.get(url).content.decode()
        assert "95 % up to 90.0 ms" in page
        assert "Random weights, for tests" in page


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, ("open", "Accepting")),
        ({"accepting": False, "draining": True}, ("paused", "Stopping")),
        ({"seen_ago_sec": settings.WORKER_STALE_SEC + 5}, ("closed", "Silent")),
    ],
)
def test_worker_says_whether_it_takes_anybody(fields: dict[str, Any], status: tuple[str, str], db: None) -> None:
    factories.make_worker(**fields)
    assert overview().workers[0].status == status


def test_progress_of_each_study(db: None) -> None:
    version = factories.make_study("one")
    first = factories.make_session(version, "P-001", state=Session.State.FINISHED)
    for trial in first.trials.all():
        factories.make_take(trial, outcome=Take.Outcome.INTERRUPTED, tracks=False)
        factories.make_take(trial, tracks=False)
    second = factories.make_session(version, "P-002")
    factories.make_take(second.trials.all()[0], tracks=False)
    factories.make_session(version, "P-003", state=Session.State.WITHDRAWN)
    factories.make_session(factories.make_study("two"), "Q-001")

    one, two = overview().studies

    assert (one.started, one.finished, one.withdrawn, one.takes) == (3, 1, 1, 5)
    assert (one.trials, one.trials_done, one.done_percent) == (4, 3, 75)
    assert (two.started, two.trials, two.trials_done, two.takes, two.done_percent) == (1, 2, 0, 0, 0)


def test_newest_activity_comes_first(db: None) -> None:
    version = factories.make_study()
    rosa = factories.make_researcher()
    factories.make_session(version)
    Export.objects.create(study=version.study, made_by=rosa, kind="trials", rows=2)
    ErasureReceipt.objects.create(study=version.study, code="P-009", takes=1, files=4, answers=2)
    ErasureReceipt.objects.create(study=version.study, code="P-010", kept=True, takes=0, files=0, answers=0)
    assert [activity.text for activity in overview().activities] == [
        "P-010 withdrew; what was recorded is kept",
        "P-009 withdrew; recordings erased",
        "trials of Study voices exported",
        "P-001 began in Study voices",
    ]


def test_number_of_queries_does_not_grow_with_the_rows(db: None, django_assert_max_num_queries: object) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    version = factories.make_study()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            overview()
        return len(captured)

    factories.make_take(factories.make_session(version, "P-000").trials.all()[0], state=Take.State.LIVE, tracks=False)
    few = queries()
    for number in range(1, 5):
        session = factories.make_session(version, f"P-{number:03}")
        factories.make_take(session.trials.all()[0], state=Take.State.LIVE, tracks=False)
    assert queries() == few


@pytest.mark.parametrize("name", ["admin:index", "now"])
def test_page_and_fragment_show_the_same(name: str, db: None, client: Client) -> None:
    version = factories.make_study()
    take = factories.make_take(factories.make_session(version).trials.all()[0], state=Take.State.LIVE, tracks=False)
    client.force_login(factories.make_researcher())
    page = client.get(reverse(name), headers={"HX-Request": "true"}).content.decode()
    assert reverse("admin:studies_take_change", args=[take.pk]) in page
    assert ("<html" in page) == (name == "admin:index")
    assert (f'hx-get="{reverse("now")}"' in page) == (name == "admin:index")


def test_previews_and_pilots_are_not_counted_as_sessions(db: None) -> None:
    version = factories.make_study()
    factories.make_session(version, "P-001")
    for code, mode in (("P-002", Session.Mode.PREVIEW), ("P-003", Session.Mode.PILOT)):
        session = factories.make_session(version, code)
        Session.objects.filter(pk=session.pk).update(mode=mode)
        factories.make_take(session.trials.all()[0])
    now = overview()
    assert [(line.started, line.takes) for line in now.studies] == [(1, 0)]
    assert [activity.text for activity in now.activities if "P-002" in activity.text] == []
    assert now.present == 2


TELLING = {
    "study": "Codebook",
    "take": "1 failed",
    "session": "began in Study voices",
    "inferenceworker": "gpu-1",
    "export": "trials of Study voices exported",
    "erasurereceipt": "P-009 withdrew",
}
"""What the start page says of each model, and only of it."""


def tell_of_all() -> None:
    version = factories.make_study()
    session = factories.make_session(version)
    factories.make_take(session.trials.all()[0], state=Take.State.FAILED, tracks=False)
    factories.make_worker("gpu-1", engines={"cascade": {}})
    Export.objects.create(study=version.study, made_by=factories.make_researcher(), kind="trials", rows=2)
    ErasureReceipt.objects.create(study=version.study, code="P-009", takes=1, files=4, answers=2)


@pytest.mark.parametrize("name", ["admin:index", "now"])
@pytest.mark.parametrize("model", TELLING)
def test_start_page_tells_of_what_the_account_may_view_alone(model: str, name: str, db: None, client: Client) -> None:
    tell_of_all()
    account = factories.make_researcher("max", permitted=False)
    account.user_permissions.add(Permission.objects.get(content_type__app_label="studies", codename=f"view_{model}"))
    client.force_login(account)
    page = client.get(reverse(name)).content.decode()
    page = page.partition('<div class="now"')[2] or page  # the side bar has links of its own
    other = [text for of, text in TELLING.items() if of != model]
    assert [text in page for text in (TELLING[model], *other)] == [True, *[False] * len(other)]


def test_start_page_of_an_account_without_permissions_is_empty(db: None, client: Client) -> None:
    tell_of_all()
    client.force_login(factories.make_researcher("max", permitted=False))
    page = client.get(reverse("admin:index")).content.decode()
    assert "Your account does not have permission to view anything yet." in page
    assert [text for text in (*TELLING.values(), "P-001", reverse("now")) if text in page] == []
    assert client.get(reverse("now")).status_code == 403


def test_no_address_leads_from_a_row_to_the_site(db: None, client: Client) -> None:
    study = factories.make_study(state=Study.State.DRAFT).study
    client.force_login(factories.make_researcher("max", permitted=False))
    kind = ContentType.objects.get_for_model(Study)
    assert client.get(f"/admin/r/{kind.pk}/{study.pk}/").status_code == 404


def test_explore_study_needs_only_one_of_the_machines_it_offers(db: None) -> None:
    document = explore()
    document["offer"]["engines"] = [{"engine": "cascade"}, {"engine": "moshi"}]
    open_new_study(document)
    assert overview().studies[0].unserved != []
    factories.make_worker("here")
    assert overview().studies[0].unserved == []
