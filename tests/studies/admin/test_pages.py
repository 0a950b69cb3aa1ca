"""Every registered page opens, with data and without."""

from __future__ import annotations

from datetime import date, timedelta
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
    """The study's form as a browser sends it."""
    fields = {
        "slug": study.slug,
        "ethics_reference": study.ethics_reference,
        "retention_until": study.retention_until.isoformat() if study.retention_until else "",
    }
    return client.post(address(Study, "change", study.pk), fields | changes, follow=True)


def test_study_begins_in_the_editor(rosa: User, client: Client) -> None:
    assert client.get(address(Study, "add"))["Location"] == reverse("design_new")
    assert client.post(address(Study, "add"), {"slug": "new"})["Location"] == reverse("design_new")
    assert Study.objects.count() == 0


def test_day_of_erasure_is_not_put_into_the_past(rosa: User, client: Client) -> None:
    study = factories.make_study().study
    response = save(client, study, retention_until="2020-01-01")
    assert response.context["adminform"].form.errors == {
        "retention_until": ["This day is in the past: recordings would be erased immediately. Give a later day."]
    }
    later = factories.years_ahead() + timedelta(days=1)
    save(client, study, retention_until=later.isoformat())
    study.refresh_from_db()
    assert study.retention_until == later
    Study.objects.update(retention_until=date(2020, 1, 1))
    study.refresh_from_db()
    save(client, study, ethics_reference="EK 2")  # it passed by itself; the rest can still be changed
    study.refresh_from_db()
    assert study.ethics_reference == "EK 2"


def test_open_study_keeps_its_ethics_reference(rosa: User, client: Client) -> None:
    study = factories.make_study().study
    response = save(client, study, ethics_reference="")
    study.refresh_from_db()
    assert study.ethics_reference == "EK-2026/17"
    assert response.context["adminform"].form.non_field_errors() == [
        "Give an ethics reference and a retention date before opening the study."
    ]


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
    save(client, version.study, ethics_reference="EK 2")
    version.study.refresh_from_db()
    assert version.study.ethics_reference == "EK 2"
