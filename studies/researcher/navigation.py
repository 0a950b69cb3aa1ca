"""The sidebar and the account menu of the admin."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Returns groups of links. Each link is shown only to users who may open it."""

    def item(title: str, icon: str, model: str, app: str = "studies") -> dict[str, Any]:
        return {
            "title": title,
            "icon": icon,
            "link": reverse(f"admin:{app}_{model}_changelist"),
            "permission": lambda request: request.user.has_perm(f"{app}.view_{model}"),
        }

    return [
        {"items": [{"title": "Now", "icon": "graphic_eq", "link": reverse("admin:index")}]},
        {
            "title": "Research",
            "items": [
                item("Studies", "science", "study"),
                {
                    "title": "New study",
                    "icon": "note_add",
                    "link": reverse("design_new"),
                    "permission": lambda request: request.user.has_perms(["studies.add_study", "studies.change_study"]),
                },
                item("Protocol versions", "description", "protocolversion"),
                item("Target voices", "record_voice_over", "targetvoice"),
                item("Sessions", "groups", "session"),
                item("Takes", "mic", "take"),
            ],
        },
        {
            "title": "Records",
            "items": [
                item("Access log", "visibility", "accesslog"),
                item("Exports", "download", "export"),
                item("Erasure receipts", "delete_forever", "erasurereceipt"),
            ],
        },
        {
            "title": "System",
            "items": [
                item("Inference workers", "memory", "inferenceworker"),
                item("Researchers", "badge", "user", "auth"),
                item("Groups", "shield_person", "group", "auth"),
                item("Second factors", "key", "authenticator", "mfa"),
            ],
        },
    ]


def account_links(request: HttpRequest) -> list[dict[str, str]]:
    return [
        {"title": "Change password", "link": reverse("account_change_password")},
        {"title": "Two-factor authentication", "link": reverse("mfa_index")},
    ]
