"""The address of a list filters by what the list offers, and by nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db.models import Field, Model
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from studies.models import AccessLog, Export, InferenceWorker, Session, Study, Take, TargetVoice
from tests.studies import factories

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
EXACT = ("", "__exact", "__in", "__isnull", "__gte", "__lt")
OF_DAYS = ("__year", "__month", "__day")
SECRETS = [
    (Session, "token"),
    (Session, "participant__identity__lookup"),
    (Session, "version__sha256"),
    (Take, "trial__session__token"),
    (Study, "versions__sessions__token"),
    (TargetVoice, "versions__speaker"),
    (InferenceWorker, "address"),
    (User, "password"),
    (Authenticator, "data__secret"),
    (Authenticator, "user__password"),
]


def lookups_of(model: type[Model], depth: int = 2, before: str = "") -> Iterator[tuple[str, str]]:
    """Every (column, comparison), also of rows that are reached from here."""
    for field in model._meta.get_fields():
        path = before + field.name
        if isinstance(field, Field):
            yield path, ""
            yield from ((path, f"__{name}") for name in field.get_lookups())
        if field.is_relation and depth > 1 and isinstance(field.related_model, type):
            yield from lookups_of(field.related_model, depth - 1, f"{path}__")


def sign_in(client: Client, model: type[Model]) -> None:
    """An account that may view one model and do nothing else."""
    account = factories.make_researcher("max", permitted=False)
    names = {"content_type__app_label": model._meta.app_label, "codename": f"view_{model._meta.model_name}"}
    account.user_permissions.add(Permission.objects.get(**names))
    client.force_login(account)


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def named_by(model: type[Model]) -> list[str]:
    """The columns of `list_filter`."""
    entries: Any = admin.site._registry[model].list_filter
    return [entry if isinstance(entry, str) else entry[0] for entry in entries]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_other_column_and_no_pattern_can_be_asked_for(model: type[Model]) -> None:
    registered = admin.site._registry[model]
    named = named_by(model)
    offered = {model._meta.pk.name, *named, *(f"{path}__id" for path in named)}
    asked = dict.fromkeys(lookups_of(model))
    assert len(asked) > 20
    for path, comparison in asked:
        if registered.lookup_allowed(path + comparison, "1", HttpRequest()):
            by_day = path == registered.date_hierarchy and comparison in OF_DAYS
            assert by_day or (path in offered and comparison in EXACT), path + comparison


@pytest.mark.parametrize(("model", "column"), SECRETS, ids=str)
@pytest.mark.parametrize("comparison", ["", "__regex", "__startswith", "__gt", "__in"])
def test_column_that_no_list_offers_is_not_read(
    model: type[Model], column: str, comparison: str, db: None, client: Client
) -> None:
    sign_in(client, model)
    assert client.get(list_of(model)).status_code == 200
    assert client.get(list_of(model), {column + comparison: "(a+)+$"}).status_code == 400


def test_offered_column_takes_no_pattern_either(db: None, client: Client) -> None:
    sign_in(client, Session)
    found = [client.get(list_of(Session), {f"state{comparison}": "started"}).status_code for comparison in EXACT[:2]]
    assert found == [200, 200]
    assert client.get(list_of(Session), {"state__regex": "(a+)+$"}).status_code == 400
    assert client.get(list_of(Session), {"state__exact": "\x00"}).status_code == 400


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_everything_that_a_list_offers_can_be_chosen(model: type[Model], db: None, client: Client) -> None:
    factories.make_take(factories.make_session(factories.make_study()).trials.all()[0])
    version = factories.make_study("b")
    factories.make_take(factories.make_session(version, "P-002").trials.all()[0])
    rosa = factories.make_researcher("rosa", superuser=True)
    for word in ("listen", "export"):
        AccessLog.objects.create(reader="rosa", action=word, target="a take")
        Export.objects.create(study=version.study, made_by=rosa, kind=word, rows=2)
    client.force_login(rosa)
    page = client.get(list_of(model)).content.decode()
    offered = {unescape(link) for link in re.findall(r'href="(\?[^"]+)"', page)}
    assert {client.get(list_of(model) + link).status_code for link in offered} <= {200}
    columns = {re.split(r"__|=", link.lstrip("?"))[0] for link in offered}
    assert {path.split("__")[0] for path in named_by(model)[:1]} <= columns
