"""Sign-in, closed sign-up and the command that creates researchers."""

from __future__ import annotations

import io
import re

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from studies.researcher.access import RESEARCHERS, create_researcher
from tests.studies import factories

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def fresh_rate_limits_and_fast_hashes(settings: LazySettings) -> None:
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_researcher", *arguments, stdout=out)
    return out.getvalue()


def sign_in(client: Client, password: str = PASSWORD, **more: str) -> int:
    return client.post(reverse("account_login"), {"login": "rosa", "password": password} | more).status_code


def test_first_researcher_administers_and_signs_in_with_the_printed_password(db: None, client: Client) -> None:
    found = re.search(r"Name: (\S+)  Password: (\S+)", run())
    assert found is not None
    name, password = found.groups()
    researcher = User.objects.get()
    assert (researcher.username, researcher.is_staff, researcher.is_superuser) == ("researcher", True, True)
    response = client.post(reverse("account_login"), {"login": name, "password": password})
    assert (response.status_code, response["Location"]) == (302, reverse("admin:index"))


def test_second_run_prints_no_password(db: None) -> None:
    run()
    assert run() == "Researcher researcher exists. New password: python manage.py changepassword researcher\n"
    assert User.objects.count() == 1


def test_later_researchers_are_members_not_administrators(db: None) -> None:
    create_researcher("first")
    run("--username", "max")
    researcher = User.objects.get(username="max")
    assert (researcher.is_staff, researcher.is_superuser) == (True, False)
    assert [group.name for group in researcher.groups.all()] == [RESEARCHERS]
    assert researcher.has_perms(["studies.view_take", "studies.view_session", "studies.change_study"])
    assert not any(researcher.has_perm(f"studies.{verb}_take") for verb in ("add", "change", "delete"))


def test_impossible_name_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="The name 'a b'"):
        run("--username", "a b")


def test_passwords_differ(db: None) -> None:
    assert create_researcher("one") != create_researcher("two")


def test_nobody_signs_up(db: None, client: Client) -> None:
    fields = {"username": "eve", "password1": PASSWORD, "password2": PASSWORD}
    page = client.post(reverse("account_signup"), fields).content.decode()
    assert "Accounts are made by administrators" in page
    assert User.objects.count() == 0


def test_admin_signs_in_through_accounts(db: None, client: Client) -> None:
    response = client.get(reverse("admin:login"), follow=True)
    assert response.redirect_chain[-1][0].split("?")[0] == reverse("account_login")


def test_account_without_staff_rights_cannot_enter_the_admin(db: None, client: Client) -> None:
    client.force_login(User.objects.create_user("eve"))
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_wrong_password_is_limited(db: None, client: Client) -> None:
    factories.make_researcher("rosa", password=PASSWORD)
    assert [sign_in(client, "wrong") for _ in range(5)] == [200] * 5
    page = client.post(reverse("account_login"), {"login": "rosa", "password": PASSWORD})
    assert "Too many failed login attempts" in page.content.decode()


def test_second_factor_is_asked_for(db: None, client: Client) -> None:
    rosa = factories.make_researcher("rosa", password=PASSWORD)
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(rosa, secret)
    assert sign_in(client) == 302
    assert client.get(reverse("admin:index"), follow=True).request["PATH_INFO"] == reverse("mfa_authenticate")
    code = totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))
    client.post(reverse("mfa_authenticate"), {"code": code})
    assert client.get(reverse("admin:index")).status_code == 200
    assert get_adapter().is_mfa_enabled(rosa)
    assert Authenticator.objects.count() == 1


@pytest.mark.parametrize("name", ["mfa_index", "mfa_activate_totp", "account_change_password", "account_logout"])
def test_account_pages_open(name: str, db: None, client: Client) -> None:
    factories.make_researcher("rosa", password=PASSWORD)
    sign_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert client.get(reverse(name)).status_code == 200


def test_second_factor_is_set_up_only_after_the_password_again(db: None, client: Client) -> None:
    factories.make_researcher("rosa", password=PASSWORD)
    sign_in(client)
    response = client.get(reverse("mfa_activate_totp"))
    assert (response.status_code, response["Location"].split("?")[0]) == (302, reverse("account_reauthenticate"))
