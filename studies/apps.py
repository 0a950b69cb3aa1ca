from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class StudiesConfig(AppConfig):
    name = "studies"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from studies.models.guards import install_guards, make_way

        pre_migrate.connect(make_way, sender=self, dispatch_uid="studies.guards")
        post_migrate.connect(install_guards, sender=self, dispatch_uid="studies.guards")
