"""Verdicts on a pair are revised and sent again like any other answer."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def let_be_changed(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Takes off the guard of studies.models.guards, which is put back after every migration."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER IF EXISTS judgement_appended ON studies_judgement")
    else:
        schema_editor.execute("DROP TRIGGER IF EXISTS judgement_appended_update")


def number(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """In the order in which they were given."""
    revisions: dict[Any, int] = {}
    for verdict in apps.get_model("studies", "Judgement").objects.order_by("id"):
        place = (verdict.session_id, verdict.pair, verdict.item)
        verdict.revision = revisions[place] = revisions.get(place, 0) + 1
        if verdict.revision > 1:
            verdict.save(update_fields=["revision"])


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studies", "0005_visit")]

    operations: ClassVar = [
        migrations.RunPython(let_be_changed, migrations.RunPython.noop),
        migrations.AlterField(
            "judgement",
            "choice",
            models.CharField(help_text="A side (A, B, ...) or none; empty: it was taken back.", max_length=40),
        ),
        migrations.AddField(
            "judgement",
            "client_id",
            models.UUIDField(blank=True, help_text="The browser's; what is sent twice is kept once.", null=True),
        ),
        migrations.AddField("judgement", "revision", models.PositiveIntegerField(default=1)),
        migrations.RunPython(number, migrations.RunPython.noop),
        migrations.AddConstraint(
            "judgement",
            models.UniqueConstraint(fields=("session", "pair", "item", "revision"), name="one_judgement_per_revision"),
        ),
        migrations.AddConstraint(
            "judgement",
            models.UniqueConstraint(fields=("session", "client_id"), name="one_judgement_per_client_id"),
        ),
    ]
