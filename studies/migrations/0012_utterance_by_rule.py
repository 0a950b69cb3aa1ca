from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studies", "0011_track_audible")]

    operations: ClassVar = [
        migrations.AddField(
            "utterance",
            "by_rule",
            models.TextField(blank=True, default="", help_text="Words of it that a rule of the engine gave, and not its model."),
            preserve_default=False,
        ),
    ]
