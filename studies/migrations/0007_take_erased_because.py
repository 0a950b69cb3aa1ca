"""A take says in a column of its own why its recordings were erased."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studies", "0006_judgement_revisions")]

    operations: ClassVar = [
        migrations.AddField(
            "take",
            "erased_because",
            models.CharField(
                blank=True,
                choices=[
                    ("", "Not erased"),
                    ("withdrawn", "The participant withdrew, so the recordings were erased."),
                    ("retention", "The study's retention date has passed, so the recordings were erased."),
                    ("no_consent", "The consent was withdrawn, so nothing was kept."),
                ],
                default="",
                max_length=12,
            ),
        ),
    ]
