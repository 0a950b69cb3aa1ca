"""Sign-in, closed sign-up and the command that creates researchers."""

from __future__ import annotations

import io
import re
import time

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from structlog.testing import capture_logs

from hearmeout_site.environment import WebSettings
from studies.researcher.access import RESEARCHERS, create_researcher
from tests.studies import factories
from tests.studies.management.test_prepare import PRODUCTION

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
    assert "Administrators create the accounts" in page
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


def knock(password: str, address: str, client: Client | None = None, **headers: str) -> bool:
    """Whether rosa is let in from a network address."""
    client = client or Client()
    answer = client.post(
        reverse("account_login"), {"login": "rosa", "password": password}, REMOTE_ADDR=address, headers=headers
    )
    return answer.status_code == 302


def test_wrong_passwords_of_one_behind_a_proxy_lock_out_nobody_else(db: None, settings: LazySettings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    factories.make_researcher("rosa", password=PASSWORD)
    for _ in range(12):
        knock("wrong", "10.0.0.1", x_forwarded_for="1.1.1.1, 203.0.113.5")
    assert not knock(
        PASSWORD, "10.0.0.1", x_forwarded_for="9.9.9.9, 203.0.113.5"
    )  # what the client adds counts nothing
    assert knock(PASSWORD, "10.0.0.1", x_forwarded_for="198.51.100.7")


def test_header_of_a_stranger_is_not_believed_where_there_is_no_proxy(db: None, settings: LazySettings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    factories.make_researcher("rosa", password=PASSWORD)
    for number in range(12):
        knock("wrong", "203.0.113.5", x_forwarded_for=f"198.51.100.{number}")
    assert not knock(PASSWORD, "203.0.113.5", x_forwarded_for="198.51.100.99")


def test_fewer_proxies_than_are_trusted_are_no_fault(db: None, settings: LazySettings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    factories.make_researcher("rosa", password=PASSWORD)
    assert knock(PASSWORD, "203.0.113.5", x_forwarded_for="198.51.100.7")


def test_stranger_with_many_addresses_is_stopped_and_locks_nobody_out(db: None) -> None:
    factories.make_researcher("rosa", password=PASSWORD)
    own = Client()
    assert knock(PASSWORD, "192.0.2.1", own)
    own.post(reverse("account_logout"))
    for number in range(40):
        assert not knock("wrong", f"203.0.113.{number}")
    assert not knock(PASSWORD, "203.0.113.99")  # the account is closed to browsers that it does not know
    assert knock(PASSWORD, "192.0.2.1", own)


def test_browser_that_an_account_knows_may_not_guess_either(db: None) -> None:
    factories.make_researcher("rosa", password=PASSWORD)
    own = Client()
    assert knock(PASSWORD, "192.0.2.1", own)
    own.post(reverse("account_logout"))
    assert [knock("wrong", f"192.0.2.{number}", own) for number in range(5)] == [False] * 5
    assert not knock(PASSWORD, "192.0.2.77", own)


def test_sign_ins_are_written_down_without_secrets(db: None) -> None:
    factories.make_researcher("rosa", password=PASSWORD)
    client = Client()
    with capture_logs() as logs:
        knock("wrong-secret", "192.0.2.1", client)
        client.post(reverse("account_login"), {"login": "my-own-secret", "password": "x"}, REMOTE_ADDR="192.0.2.1")
        knock(PASSWORD, "192.0.2.1", client)
        client.post(reverse("account_logout"), REMOTE_ADDR="192.0.2.1")
    assert [(line["event"], line["account"], line["address"]) for line in logs if "account" in line] == [
        ("sign_in_failed", "rosa", "192.0.2.1"),
        ("sign_in_failed", "unknown", "192.0.2.1"),
        ("signed_in", "rosa", "192.0.2.1"),
        ("signed_out", "rosa", "192.0.2.1"),
    ]
    assert not [secret for secret in ("wrong-secret", "my-own-secret", PASSWORD) if secret in str(logs)]


def test_second_factor_can_be_required(db: None, client: Client, settings: LazySettings) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    rosa = factories.make_researcher("rosa", password=PASSWORD)
    sign_in(client)
    for address in (reverse("admin:index"), reverse("now"), reverse("admin:studies_take_changelist")):
        assert client.get(address)["Location"] == reverse("mfa_activate_totp")
    totp.TOTP.activate(rosa, totp.generate_totp_secret())
    assert client.get(reverse("admin:index")).status_code == 200


def test_secret_of_a_second_factor_is_stored_encrypted(db: None) -> None:
    rosa = factories.make_researcher("rosa")
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(rosa, secret)
    row = Authenticator.objects.get()
    assert secret not in str(row.data)
    assert get_adapter().decrypt(row.data["secret"]) == secret
    assert get_adapter().decrypt(secret) == secret  # one that was stored before


def test_who_does_nothing_is_signed_out_though_the_start_page_goes_on_asking(
    db: None, client: Client, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SESSION_IDLE_SEC = 600
    client.force_login(factories.make_researcher("rosa"))
    now = time.time()
    for later_sec, address, status in [
        (0, "admin:index", 200),
        (500, "admin:index", 200),
        (1_000, "now", 200),
        (1_050, "now", 200),
        (1_101, "now", 302),
        (1_102, "admin:index", 302),
    ]:
        monkeypatch.setattr("studies.researcher.signing_in.time.time", lambda at=now + later_sec: at)
        assert client.get(reverse(address)).status_code == status, later_sec


@pytest.mark.parametrize(
    "password", ["password12345", "123Password!!", "qwertyqwerty", "administrator1", "Sunshine2024!!"]
)
def test_common_password_is_refused_with_what_people_put_around_it(password: str) -> None:
    with pytest.raises(ValidationError, match="too common"):
        validate_password(password)


def test_password_of_ones_own_is_taken() -> None:
    validate_password(PASSWORD)
    validate_password("VqL3-9sTe-81xz")


def test_admin_changes_passwords_where_wrong_ones_are_counted(db: None, client: Client) -> None:
    client.force_login(factories.make_researcher("rosa"))
    assert client.get(reverse("admin:password_change"))["Location"] == reverse("account_change_password")


@pytest.mark.parametrize(
    ("environ", "proxies"), [({}, 0), (PRODUCTION, 1), (PRODUCTION | {"TRUSTED_PROXIES": "2"}, 2)], ids=str
)
def test_one_proxy_is_believed_in_production(environ: dict[str, str], proxies: int) -> None:
    assert WebSettings.read(environ).proxies == proxies
