"""Puts our admin site in the place of Django's (see INSTALLED_APPS)."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ResearcherAdminConfig(AdminConfig):
    default_site = "studies.researcher.access.ResearcherAdminSite"
