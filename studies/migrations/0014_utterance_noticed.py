from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studies", "0013_asked_again")]

    operations: ClassVar = [
        migrations.AddField(
            "utterance",
            "noticed",
            models.JSONField(
                blank=True, help_text="How the participant sounded, as an engine that is told so was told.", null=True
            ),
        ),
    ]
