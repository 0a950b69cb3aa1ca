"""Inference workers report what each converter says of itself. Older reports are lists of names, and stay so."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studies", "0008_erasures_by_reason")]

    operations: ClassVar = [
        migrations.AlterField(
            "inferenceworker",
            "converters",
            models.JSONField(default=dict, help_text="Converter name -> its snapshot."),
        ),
    ]
