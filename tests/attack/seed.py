"""People and secrets for the attack, made in a running stack's database.

python -m tests.attack.seed    ->  {"accounts": {name: session key}, "addresses": [...], "secrets": {...}, ...}
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model  # noqa: E402
from django.contrib.auth.models import Permission, User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.urls import URLPattern, URLResolver, get_resolver  # noqa: E402

from studies.models import Session, Take  # noqa: E402
from studies.researcher.access import researchers_group  # noqa: E402
from tests.e2e.seed import consented_session  # noqa: E402
from tests.studies import factories  # noqa: E402

MARK: Final = "ATTACKED-WORDS-OF-A-PARTICIPANT"
ARGUMENT: Final = re.compile(r"<(?:\w+:)?(\w+)>")
BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


def main() -> dict[str, Any]:
    (token,) = consented_session(trials=1, engine="echo")
    session = Session.objects.get(token=token)
    take = factories.make_take(session.trials.get())
    take.utterances.update(text=MARK, raw_text=MARK)
    session.completion_code = "ATTACK-CODE"
    session.save(update_fields=["completion_code"])
    accounts = {"staff": account("staff"), "viewer": account("viewer"), "researcher": account("researcher")}
    accounts["superuser"] = account("superuser", is_superuser=True)
    view = Permission.objects.filter(codename__in=("view_study", "view_session"))
    User.objects.get(username="viewer").user_permissions.set(view)
    User.objects.get(username="researcher").groups.add(researchers_group())
    return {
        "accounts": {name: signed_in(user) for name, user in accounts.items()},
        "addresses": addresses(session, take),
        "secrets": {"link": token, "code": session.completion_code, "words": MARK},
        "token": token,
        "take": str(take.pk),
    }


def account(name: str, **fields: bool) -> User:
    user, _ = get_user_model().objects.get_or_create(username=name, defaults={"is_staff": True, **fields})
    return user


def signed_in(user: User) -> str:
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = BACKEND
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    assert store.session_key is not None
    return store.session_key


def addresses(session: Session, take: Take) -> list[str]:
    """Every address that there is, with arguments that lead somewhere; patterns that are no routes are left out."""
    known = {
        "slug": session.study.slug,
        "token": session.token,
        "take_id": str(take.pk),
        "kind": "participant",
        "position": "0",
        "pair": "0",
        "number": "1",
        "which": "main",
        "name": "welcome",
        "questionnaire": "rating",
        "version_id": "1",
        "draft": str(take.pk),
        "object_id": str(take.pk),
        "content_type_id": "1",
        "app_label": "studies",
        "url": "nowhere/",
        "key": "a-b",
        "uidb36": "1",
        "provider": "none",
    }
    return sorted(set(walk(get_resolver().url_patterns, known)))


def walk(patterns: list[URLPattern | URLResolver], known: dict[str, str], before: str = "") -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += walk(pattern.url_patterns, known, route)
        elif not any(sign in route for sign in "^$(\\") and set(ARGUMENT.findall(route)) <= known.keys():
            found.append("/" + ARGUMENT.sub(lambda name: known[name[1]], route))
    return found


if __name__ == "__main__":
    print(json.dumps(main()))
