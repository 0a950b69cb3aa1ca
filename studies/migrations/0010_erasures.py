"""Acts of erasing are recorded, and rows that are only appended can be deleted within one alone."""

from __future__ import annotations

from typing import ClassVar

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from studies.models.guards import remove_guards


def let_go(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Takes off the guards of studies.models.guards, which ask this table."""
    remove_guards(using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studies", "0009_converter_snapshots")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("by", models.CharField(max_length=150)),
                ("target", models.CharField(max_length=120)),
                ("begun_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={"ordering": ["-id"]},
        ),
        migrations.RunPython(migrations.RunPython.noop, let_go),
    ]
