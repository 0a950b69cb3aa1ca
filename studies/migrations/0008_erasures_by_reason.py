"""Takes erased before `erased_because` existed said so in a sentence in `filing_error`."""

from __future__ import annotations

from typing import ClassVar, Final

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SENTENCES: Final = {
    "withdrawn": "The participant withdrew, so the recordings were erased.",
    "retention": "The study's retention date has passed, so the recordings were erased.",
    "no_consent": "The consent was withdrawn, so nothing was kept.",
}


def sentences_to_reasons(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    takes = apps.get_model("studies", "Take").objects.using(schema_editor.connection.alias)
    for reason, sentence in SENTENCES.items():
        takes.filter(filing_error=sentence).update(erased_because=reason, filing_error="")


def reasons_to_sentences(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    takes = apps.get_model("studies", "Take").objects.using(schema_editor.connection.alias)
    for reason, sentence in SENTENCES.items():
        takes.filter(erased_because=reason).update(erased_because="", filing_error=sentence)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studies", "0007_take_erased_because")]

    operations: ClassVar = [migrations.RunPython(sentences_to_reasons, reasons_to_sentences)]
