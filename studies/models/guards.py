"""Triggers by which the database itself refuses certain changes.

It refuses a track or a donated voice without consent, a change to a frozen or append-only row, and the deletion of a
voice that a published study uses.

These are triggers because a CHECK cannot look into another table. They are installed after every `migrate`, and not by
a migration, because SQLite drops a table's triggers whenever a later migration rebuilds the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connections

CONSENTED = """
    EXISTS (
        SELECT 1
        FROM studies_consentevent AS consent
        JOIN studies_take AS take ON take.id = NEW.take_id
        JOIN studies_trial AS trial ON trial.id = take.trial_id
        WHERE consent.id = NEW.consent_id
          AND consent.session_id = trial.session_id
          AND consent.purpose = 'record'
          AND consent.granted
          AND NOT EXISTS (
              SELECT 1 FROM studies_consentevent AS later
              WHERE later.session_id = consent.session_id
                AND later.purpose = 'record'
                AND later.id > consent.id
                AND NOT later.granted
          )
    )
"""

DONATED = """
    NEW.donation_id IS NULL OR EXISTS (
        SELECT 1
        FROM studies_consentevent AS consent
        WHERE consent.id = NEW.donation_id
          AND consent.purpose = 'voice_donation'
          AND consent.granted
          AND NOT EXISTS (
              SELECT 1 FROM studies_consentevent AS later
              WHERE later.session_id = consent.session_id
                AND later.purpose = 'voice_donation'
                AND later.id > consent.id
                AND NOT later.granted
          )
    )
"""

FROZEN_VOICE = (
    "voice_id",
    "number",
    "sha256",
    "sample_rate_hz",
    "duration_samples",
    "quality",
    "speaker",
    "consent_scope",
    "consent_until",
    "licence",
    "licence_text",
    "evidence",
    "source",
    "created_at",
)
VOICE_CHANGED = " OR ".join(
    ["(NEW.file <> OLD.file AND NEW.file <> '')", *(f"NEW.{column} <> OLD.{column}" for column in FROZEN_VOICE)]
)

# (name, table, events, condition under which the row is refused, message)
GUARDS = (
    (
        "track_consent",
        "studies_track",
        ("INSERT", "UPDATE"),
        f"NOT ({CONSENTED})",
        "a track needs a granted recording consent of its session",
    ),
    (
        "version_frozen",
        "studies_protocolversion",
        ("UPDATE",),
        "OLD.published_at IS NOT NULL",
        "a published protocol version does not change",
    ),
    (
        "voice_version_frozen",
        "studies_targetvoiceversion",
        ("UPDATE",),
        VOICE_CHANGED,
        "a version of a target voice does not change; its file can only be erased",
    ),
    (
        "voice_donation_consent",
        "studies_targetvoiceversion",
        ("INSERT",),
        f"NOT ({DONATED})",
        "a voice given by a participant needs their granted consent to that",
    ),
    (
        "voice_in_use",
        "studies_targetvoiceversion",
        ("DELETE",),
        "EXISTS (SELECT 1 FROM studies_pinnedvoice AS pin WHERE pin.voice_version_id = OLD.id)",
        "a voice of a published study is not deleted",
    ),
    ("voice_pin_frozen", "studies_pinnedvoice", ("UPDATE",), "1 = 1", "a published condition keeps its voices"),
    ("consent_appended", "studies_consentevent", ("UPDATE",), "1 = 1", "consent events are only appended"),
    ("judgement_appended", "studies_judgement", ("UPDATE",), "1 = 1", "judgements are only appended"),
    ("access_appended", "studies_accesslog", ("UPDATE",), "1 = 1", "the access log is only appended"),
    ("erasure_appended", "studies_erasurereceipt", ("UPDATE",), "1 = 1", "erasure receipts are only appended"),
)


def install_guards(*, using: str = "default", **_: Any) -> None:
    """Receives `post_migrate`; drops and creates every trigger."""
    connection = connections[using]
    if "studies_track" not in connection.introspection.table_names():
        return  # All migrations have been reversed.
    statements = _postgresql() if connection.vendor == "postgresql" else _sqlite()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _sqlite() -> Iterator[str]:
    for name, table, events, condition, message in GUARDS:
        for event in events:
            trigger = f"{name}_{event.lower()}"
            yield f"DROP TRIGGER IF EXISTS {trigger}"
            yield (
                f"CREATE TRIGGER {trigger} BEFORE {event} ON {table} WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )


def _postgresql() -> Iterator[str]:
    for name, table, events, condition, message in GUARDS:
        yield (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ BEGIN "
            f"IF {condition} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation'; END IF; "
            "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$ LANGUAGE plpgsql"
        )
        yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
        yield (f"CREATE TRIGGER {name} BEFORE {' OR '.join(events)} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
