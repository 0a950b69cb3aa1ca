"""How researchers sign in: how often somebody may try, what is written down of it, and how long it lasts.

Wrong passwords are counted for each account at each network address, and for each account wherever they come from. A
browser in which the account signed in before is counted by itself, so that no stranger can lock a researcher out."""

from __future__ import annotations

import re
import time
from typing import Any, Final

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import password_changed
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.signals import authentication_failed, authenticator_added, authenticator_removed
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from studies.errors import SealBroken
from studies.sealing import seal, unseal

KNOWN: Final = "known-account"
"""The signed cookie of a browser in which an account has signed in: its name."""
KNOWN_FOR_SEC: Final = 180 * 86_400
ACTIVE_AT: Final = "active_at"
NOTED_EVERY_SEC: Final = 60
RESEARCHERS: Final = ("/admin/", "/research/")

log = structlog.get_logger("security")


class ResearcherAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Closes sign-up, because administrators create the accounts of researchers, and counts wrong passwords."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address of whoever asks, as the trusted proxies tell it; else that of the connection."""
        try:
            return str(super().get_client_ip(request))
        except ImproperlyConfigured:  # fewer proxies than are trusted
            return str(request.META["REMOTE_ADDR"])

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        account = self._account(credentials)
        if not self._is_known(request, account) and not ratelimit.consume(
            request, app="allauth.account", action="login_failed_anywhere", key=account
        ):
            tell("sign_in_limited", request, account)
            raise self.validation_error("too_many_login_attempts")
        try:
            super().pre_authenticate(request, **credentials)
        except Exception:
            tell("sign_in_limited", request, account)
            raise

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        account = self._account(credentials)
        place = "known browser" if self._is_known(request, account) else ratelimit.get_ip(request)
        return f"{account} {place}"

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        response.set_signed_cookie(
            KNOWN,
            user.get_username().lower(),
            max_age=KNOWN_FOR_SEC,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
            path="/accounts/",
        )
        return response

    @staticmethod
    def _account(credentials: dict[str, Any]) -> str:
        return str(credentials.get("username") or "").lower()

    @staticmethod
    def _is_known(request: HttpRequest, account: str) -> bool:
        return bool(account) and request.get_signed_cookie(KNOWN, "", max_age=KNOWN_FOR_SEC) == account


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps their secrets encrypted; those of before are read as they are."""

    def encrypt(self, text: str) -> str:
        return seal({"secret": text})

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return str(unseal(encrypted_text)["secret"])
        except SealBroken:
            return encrypted_text


class StrippedPasswordValidator(CommonPasswordValidator):
    """Refuses a common password with digits and signs around it, or said twice. Reads Django's own list of 20,000."""

    def validate(self, password: str, user: User | None = None) -> None:
        core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password.lower())
        half = core[: len(core) // 2]
        for common in (core, half if half * 2 == core else core):
            super().validate(common, user)


class SignedInWhileActive(MiddlewareMixin):
    """Signs out who has done nothing for SESSION_IDLE_SEC, and sends those to set up a second factor who must have
    one."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        if not request.path_info.startswith((*RESEARCHERS, "/accounts/")) or not request.user.is_authenticated:
            return None
        now = time.time()
        active_at = request.session.get(ACTIVE_AT, now)
        if now - active_at > settings.SESSION_IDLE_SEC:
            tell("signed_out_idle", request, request.user.get_username())
            logout(request)
            return None
        polls = request.path_info == reverse("now")  # the start page does by itself
        if ACTIVE_AT not in request.session or (not polls and now - active_at > NOTED_EVERY_SEC):
            request.session[ACTIVE_AT] = now
        if (
            settings.REQUIRE_SECOND_FACTOR
            and request.path_info.startswith(RESEARCHERS)
            and not get_adapter().is_mfa_enabled(request.user)
        ):
            return redirect("mfa_activate_totp")
        return None


def tell(event: str, request: HttpRequest | None, account: str) -> None:
    """Writes what happened to the log. A name that no account has is left out: it may be a password in the wrong
    field."""
    known = User.objects.filter(username__iexact=account).exists() if account else False
    address = "" if request is None or "REMOTE_ADDR" not in request.META else ResearcherAdapter().get_client_ip(request)
    log.warning(event, account=account if known else "unknown", address=address)


def _on_sign_in(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    request.session[ACTIVE_AT] = time.time()
    tell("signed_in", request, user.get_username())


def _on_failure(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    tell("sign_in_failed", request, str(credentials.get("username") or ""))


def _on_sign_out(sender: Any, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        tell("signed_out", request, user.get_username())


def _on_change(event: str) -> Any:
    def told(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
        tell(event, request, user.get_username())

    return told


def write_down_sign_ins() -> None:
    """Connects the log; once, when the app is ready."""
    user_logged_in.connect(_on_sign_in, dispatch_uid="security.signed_in")
    user_login_failed.connect(_on_failure, dispatch_uid="security.failed")
    user_logged_out.connect(_on_sign_out, dispatch_uid="security.signed_out")
    changes = {
        "password_changed": password_changed,
        "second_factor_added": authenticator_added,
        "second_factor_removed": authenticator_removed,
        "second_factor_failed": authentication_failed,
    }
    for event, signal in changes.items():
        signal.connect(_on_change(event), weak=False, dispatch_uid=f"security.{event}")
