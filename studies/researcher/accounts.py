"""Researchers' accounts: who may have one, and what they may do."""

from __future__ import annotations

import secrets
from typing import Final

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.http import HttpRequest

RESEARCHERS: Final = "Researchers"
PASSWORD_BYTES: Final = 12  # 96 bits, 16 characters


class ResearcherAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up; administrators create researchers."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def researchers_group() -> Group:
    """The group whose members see everything of the studies, and make and change studies and target voices.

    Its permissions are set anew each time, so that a new version of the product brings its own."""
    group, _ = Group.objects.get_or_create(name=RESEARCHERS)
    own = Permission.objects.filter(content_type__app_label="studies")
    group.permissions.set(
        own.filter(codename__startswith="view_")
        | own.filter(codename__in=["add_study", "change_study"])
        | own.filter(codename__in=["add_targetvoice", "change_targetvoice", "delete_targetvoice"])
    )
    return group


@transaction.atomic
def create_researcher(username: str) -> str:
    """Makes a researcher and returns the random password, which is kept nowhere.

    The first account of an installation is its administrator. Raises IntegrityError when the name is taken."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    first = not User.objects.filter(is_superuser=True).exists()
    researcher = User.objects.create_user(username, password=password, is_staff=True, is_superuser=first)
    researcher.groups.add(researchers_group())
    return password
