"""A take remembers whose recorded question was asked again in it, and a participant can erase a single take."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from studies.models.guards import remove_guards


def let_go(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Takes off the guards of studies.models.guards, which name the table that SQLite rebuilds."""
    remove_guards(using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studies", "0012_utterance_by_rule")]

    operations: ClassVar = [
        migrations.RunPython(let_go, migrations.RunPython.noop),
        migrations.AddField(
            model_name="take",
            name="asked_from",
            field=models.ForeignKey(
                blank=True,
                help_text="The take whose recorded question was asked again here; empty where the participant spoke.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="asked_again",
                to="studies.take",
            ),
        ),
        migrations.AlterField(
            model_name="take",
            name="erased_because",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "Not erased"),
                    ("withdrawn", "The participant withdrew, so the recordings were erased."),
                    ("retention", "The study's retention date has passed, so the recordings were erased."),
                    ("no_consent", "The consent was withdrawn, so nothing was kept."),
                    ("on_request", "The participant erased this conversation."),
                ],
                default="",
                max_length=12,
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, let_go),
    ]
