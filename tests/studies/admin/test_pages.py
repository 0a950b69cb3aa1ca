"""Every registered page opens, with data and without."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from studies.models import (
    AccessLog,
    Answer,
    ConsentEvent,
    ErasureReceipt,
    Export,
    Judgement,
    ProtocolVersion,
    Session,
    Study,
    Take,
    Track,
)
from tests.studies import factories

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
APPEND_ONLY = [AccessLog, Export, ErasureReceipt, ProtocolVersion, Session, Take]


@pytest.fixture
def rosa(db: None, client: Client) -> User:
    """An administrator, signed in."""
    researcher = factories.make_researcher("rosa", superuser=True)
    client.force_login(researcher)
    return researcher


@pytest.fixture
def full(rosa: User) -> Session:
    """At least one row of every model."""
    version = factories.make_study()
    session = factories.make_session(version)
    for trial in session.trials.all():
        factories.make_take(trial)
        factories.make_answer(trial, "warm", 5)
    factories.make_judgement(session, "better", "B")
    factories.make_worker()
    AccessLog.objects.create(reader="rosa", action="listen", target="a take")
    Export.objects.create(study=version.study, made_by=rosa, kind="trials", rows=2)
    ErasureReceipt.objects.create(study=version.study, code="P-009", takes=1, files=4, answers=2)
    return session


def address(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_list_opens_when_empty(model: type[Model], rosa: User, client: Client) -> None:
    assert client.get(address(model, "changelist")).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_list_and_detail_open_with_data(model: type[Model], full: Session, client: Client) -> None:
    assert client.get(address(model, "changelist")).status_code == 200
    for row in model._default_manager.all():
        assert client.get(address(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__name__)
def test_what_was_recorded_cannot_be_made_changed_or_deleted(model: type[Model], full: Session, client: Client) -> None:
    row = model._default_manager.all()[0]
    before = model._default_manager.count()
    assert client.get(address(model, "add")).status_code == 403
    assert client.post(address(model, "change", row.pk), {}).status_code == 403
    assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.count() == before


@pytest.mark.parametrize("model", [Track, Answer, Judgement, ConsentEvent], ids=lambda model: model.__name__)
def test_content_has_no_form_of_its_own(model: type[Model]) -> None:
    assert not admin.site.is_registered(model)


def test_admin_alone_may_compile_expressions(full: Session, client: Client) -> None:
    admin_policy = client.get(reverse("admin:index"))["Content-Security-Policy"]
    sign_in_policy = Client().get(reverse("account_login"))["Content-Security-Policy"]
    assert ("'unsafe-eval'" in admin_policy, "'unsafe-eval'" in sign_in_policy) == (True, False)


def save(client: Client, study: Study, **changes: str) -> Any:
    """The study's form as a browser sends it; `open_study` and so on are its buttons."""
    fields = {
        "title": study.title,
        "slug": study.slug,
        "ethics_reference": study.ethics_reference,
        "retention_until": study.retention_until.isoformat() if study.retention_until else "",
        **{f"versions-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")},
    }
    named = {f"studies_study_{name}" if name.endswith("_study") else name: value for name, value in changes.items()}
    return client.post(address(Study, "change", study.pk), fields | named, follow=True)


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


@pytest.mark.parametrize(
    ("before", "button", "after"),
    [
        ("draft", "open_study", "open"),
        ("open", "pause_study", "paused"),
        ("paused", "open_study", "open"),
        ("open", "close_study", "closed"),
    ],
)
def test_study_moves(before: str, button: str, after: str, rosa: User, client: Client) -> None:
    study = factories.make_study(state=before).study
    save(client, study, **{button: "1"})
    study.refresh_from_db()
    assert study.state == after


def test_study_without_ethics_reference_does_not_open(rosa: User, client: Client) -> None:
    study = factories.make_study(state=Study.State.DRAFT).study
    response = save(client, study, ethics_reference="", open_study="1")
    study.refresh_from_db()
    assert study.state == Study.State.DRAFT
    assert "Give an ethics reference and a retention date before opening the study." in messages_of(response)


def test_study_without_protocol_does_not_open(rosa: User, client: Client) -> None:
    study = Study.objects.create(slug="new", title="New", ethics_reference="EK 1", retention_until=date(2036, 1, 1))
    response = save(client, study, open_study="1")
    study.refresh_from_db()
    assert study.state == Study.State.DRAFT
    assert "Publish a protocol version before opening the study." in messages_of(response)


def test_open_study_keeps_its_ethics_reference(rosa: User, client: Client) -> None:
    study = factories.make_study().study
    response = save(client, study, ethics_reference="")
    study.refresh_from_db()
    assert study.ethics_reference == "EK-2026/17"
    assert response.context["adminform"].form.non_field_errors() == [
        "Give an ethics reference and a retention date before opening the study."
    ]


def test_study_moves_by_post_alone(rosa: User, client: Client) -> None:
    study = factories.make_study().study
    client.get(address(Study, "change", study.pk), {"studies_study_close_study": "1"})
    study.refresh_from_db()
    assert study.state == Study.State.OPEN


def test_study_cannot_be_deleted(rosa: User, client: Client) -> None:
    study = factories.make_study().study
    assert client.post(address(Study, "delete", study.pk), {"post": "yes"}).status_code == 403


def test_link_of_a_study_with_sessions_stays(rosa: User, client: Client) -> None:
    version = factories.make_study()
    factories.make_session(version)
    save(client, version.study, slug="other")
    version.study.refresh_from_db()
    assert version.study.slug == "voices"


def test_researcher_without_permission_sees_no_takes(db: None, client: Client) -> None:
    client.force_login(factories.make_researcher("max", permitted=False))
    assert client.get(address(Take, "changelist")).status_code == 403


def test_researcher_may_look_and_steer_studies_but_not_accounts(db: None, client: Client) -> None:
    version = factories.make_study()
    client.force_login(factories.make_researcher("max"))
    assert client.get(address(Take, "changelist")).status_code == 200
    assert client.get(address(User, "changelist")).status_code == 403
    save(client, version.study, pause_study="1")
    version.study.refresh_from_db()
    assert version.study.state == Study.State.PAUSED


def make(client: Client, **fields: str) -> Any:
    """Sends the form of a new study."""
    empty = {f"versions-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}
    return client.post(address(Study, "add"), {"title": "New", "slug": "new", **empty} | fields, follow=True)


def test_study_is_made_from_a_protocol(db: None, client: Client) -> None:
    client.force_login(factories.make_researcher())
    make(client, protocol=factories.PROTOCOL)
    study = Study.objects.get()
    assert study.current_version is not None
    assert (study.slug, study.state, study.current_version.conditions.count()) == ("new", Study.State.DRAFT, 2)


def test_every_problem_of_a_protocol_is_told(rosa: User, client: Client) -> None:
    broken = factories.PROTOCOL.replace("kind: paired", "kind: solo").replace("low: Cold, ", "")
    response = make(client, protocol=broken)
    assert Study.objects.count() == 0
    told = response.context["adminform"].form.errors["protocol"]
    assert [text.split(":")[0] for text in told] == ["kind", "ratings[0].low"]


def test_study_without_protocol_is_not_made(rosa: User, client: Client) -> None:
    response = make(client, protocol="")
    assert response.context["adminform"].form.errors == {"protocol": ["A study starts from a protocol."]}


def test_changed_protocol_becomes_a_new_version(rosa: User, client: Client) -> None:
    study = factories.make_study().study
    save(client, study, protocol=factories.PROTOCOL.replace("Thank you.", "Thanks."))
    save(client, study, protocol=factories.PROTOCOL.replace("Thank you.", "Thanks."))
    assert list(study.versions.values_list("number", flat=True)) == [2, 1]


def test_engine_for_tests_is_refused(rosa: User, client: Client) -> None:
    response = make(client, protocol=factories.PROTOCOL.replace("engine: cascade", "engine: echo"))
    assert Study.objects.count() == 0
    assert len(response.context["adminform"].form.errors["protocol"]) == 2
