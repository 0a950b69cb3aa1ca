"""Replaces Django's admin site by the product's own (see INSTALLED_APPS)."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ResearcherAdminConfig(AdminConfig):
    default_site = "studies.researcher.access.ResearcherAdminSite"

    def ready(self) -> None:
        super().ready()
        from studies.researcher.signing_in import write_down_sign_ins

        write_down_sign_ins()
