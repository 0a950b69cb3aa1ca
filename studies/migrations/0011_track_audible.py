"""Tracks say where there is something to hear in them."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studies", "0010_erasures")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="track",
            name="audible",
            field=models.JSONField(
                blank=True,
                help_text="[first sample, samples] of all there is to hear; empty where not looked for.",
                null=True,
            ),
        ),
    ]
