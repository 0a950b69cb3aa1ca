"""Triggers by which the database itself refuses certain changes.

It refuses a track or a donated voice without consent, a change to a frozen or append-only row and the deletion of one,
and the deletion of a voice that a published study uses. Deletion has one way past them, `erasing`, which is recorded.

These are triggers because a CHECK cannot look into another table. They are installed after every `migrate`, and not by
a migration, because SQLite drops a table's triggers whenever a later migration rebuilds the table. It rebuilds no table
that triggers of others name, so there they are taken off before a migration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections, transaction
from django.utils import timezone

from studies.models.record import Erasure

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

NOT_ERASING = "NOT EXISTS (SELECT 1 FROM studies_erasure AS erasure WHERE erasure.ended_at IS NULL)"


def changed(*columns: str) -> str:
    """Returns the condition that an update changes one of the columns."""
    return " OR ".join(f'NEW."{column}" IS DISTINCT FROM OLD."{column}"' for column in columns)


def published(version_id: str) -> str:
    """Returns the condition that a protocol version is published."""
    versions = "SELECT 1 FROM studies_protocolversion AS version"
    return f"EXISTS ({versions} WHERE version.id = {version_id} AND version.published_at IS NOT NULL)"


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
    "donation_id",
    "created_at",
)
VOICE_CHANGED = f"(NEW.file <> OLD.file AND NEW.file <> '') OR {changed(*FROZEN_VOICE)}"
TRIAL_PLAN = ("session_id", "position", "prompt_id", "condition_id", "practice", "block", "repetition", "pair", "side")
CONDITION = "SELECT 1 FROM studies_condition AS cell WHERE cell.id = OLD.condition_id"
PUBLISHED_CONDITION = f"EXISTS ({CONDITION} AND {published('cell.version_id')})"
AGREED = """
    EXISTS (SELECT 1 FROM studies_consentevent AS consent WHERE consent.session_id = OLD.session_id AND consent.granted)
"""

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
        "version_kept",
        "studies_protocolversion",
        ("DELETE",),
        f"OLD.published_at IS NOT NULL AND {NOT_ERASING}",
        "a published protocol version is not deleted",
    ),
    *(
        guard
        for name in ("condition", "prompt")
        for guard in (
            (
                f"{name}_frozen",
                f"studies_{name}",
                ("UPDATE",),
                f"{published('OLD.version_id')} OR {published('NEW.version_id')}",
                f"a {name} of a published protocol version does not change",
            ),
            (
                f"{name}_kept",
                f"studies_{name}",
                ("DELETE",),
                f"{published('OLD.version_id')} AND {NOT_ERASING}",
                f"a {name} of a published protocol version is not deleted",
            ),
        )
    ),
    (
        "document_frozen",
        "studies_consentdocument",
        ("UPDATE",),
        "1 = 1",
        "a text that was agreed to does not change",
    ),
    (
        "document_kept",
        "studies_consentdocument",
        ("DELETE",),
        f"{published('OLD.version_id')} AND {NOT_ERASING}",
        "a text that was agreed to is not deleted",
    ),
    ("trial_plan_frozen", "studies_trial", ("UPDATE",), changed(*TRIAL_PLAN), "the plan of a trial does not change"),
    (
        "withdrawal_final",
        "studies_session",
        ("UPDATE",),
        "OLD.state = 'withdrawn' AND NEW.state <> 'withdrawn'",
        "a withdrawn session stays withdrawn",
    ),
    (
        "voice_withdrawal_final",
        "studies_targetvoice",
        ("UPDATE",),
        "OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS NULL",
        "a withdrawn voice stays withdrawn",
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
    (
        "voice_pin_kept",
        "studies_pinnedvoice",
        ("DELETE",),
        f"{PUBLISHED_CONDITION} AND {NOT_ERASING}",
        "a published condition keeps its voices",
    ),
    ("engine_as_it_ran", "studies_enginesnapshot", ("UPDATE",), "1 = 1", "what an engine was does not change"),
    ("voice_as_it_ran", "studies_voicesnapshot", ("UPDATE",), "1 = 1", "what a converter was does not change"),
    ("consent_appended", "studies_consentevent", ("UPDATE",), "1 = 1", "consent events are only appended"),
    ("consent_kept", "studies_consentevent", ("DELETE",), NOT_ERASING, "consent events are only appended"),
    ("answer_appended", "studies_answer", ("UPDATE",), "1 = 1", "answers are only appended"),
    (
        "answer_kept",
        "studies_answer",
        ("DELETE",),  # those of somebody who never agreed are not kept
        f"{AGREED} AND {NOT_ERASING}",
        "answers are only appended",
    ),
    ("judgement_appended", "studies_judgement", ("UPDATE",), "1 = 1", "judgements are only appended"),
    ("judgement_kept", "studies_judgement", ("DELETE",), NOT_ERASING, "judgements are only appended"),
    ("access_appended", "studies_accesslog", ("UPDATE", "DELETE"), "1 = 1", "the access log is only appended"),
    (
        "export_appended",
        "studies_export",
        ("UPDATE",),  # of a researcher whose account is deleted, the name goes
        changed("study_id", "kind", "rows", "at") + " OR NEW.made_by_id IS NOT NULL",
        "records of exports are only appended",
    ),
    ("export_kept", "studies_export", ("DELETE",), NOT_ERASING, "records of exports are only appended"),
    ("receipt_appended", "studies_erasurereceipt", ("UPDATE",), "1 = 1", "erasure receipts are only appended"),
    ("receipt_kept", "studies_erasurereceipt", ("DELETE",), NOT_ERASING, "erasure receipts are only appended"),
    (
        "erasure_appended",
        "studies_erasure",
        ("UPDATE",),
        "OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL OR " + changed("id", "by", "target", "begun_at"),
        "records of erasing are only appended",
    ),
    ("erasure_kept", "studies_erasure", ("DELETE",), "1 = 1", "records of erasing are only appended"),
)
KEPT = sorted({table for _, table, events, _, _ in GUARDS if "DELETE" in events})


@contextmanager
def erasing(*, by: str, target: str) -> Iterator[Erasure]:
    """Allows, in one transaction, the deletion of rows that are otherwise only appended, and records who did what."""
    with transaction.atomic():
        erasure = Erasure.objects.create(by=by, target=target[:120])
        yield erasure
        Erasure.objects.filter(pk=erasure.pk).update(ended_at=timezone.now())


def empty_write_ahead_log() -> None:
    """Removes what SQLite's log still holds of rows that were erased; the database's file is overwritten by itself."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def install_guards(*, using: str = "default", **_: Any) -> None:
    """Receives `post_migrate`; drops and creates every trigger."""
    database = connections[using]
    if "studies_erasure" not in database.introspection.table_names():
        return  # All migrations have been reversed, or those up to this table.
    _execute(using, [*_dropping(database.vendor), *_creating(database.vendor)])


def make_way(*, using: str = "default", plan: Sequence[object] = (), **_: Any) -> None:
    """Receives `pre_migrate`; drops every trigger of SQLite, which rebuilds no table that a trigger names."""
    if plan and connections[using].vendor == "sqlite":
        remove_guards(using=using)


def remove_guards(*, using: str = "default") -> None:
    """Drops every trigger."""
    _execute(using, _dropping(connections[using].vendor))


def _execute(using: str, statements: Iterable[str]) -> None:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:  # there is no moment without guards
        for statement in statements:
            cursor.execute(statement)


def _dropping(vendor: str) -> Iterator[str]:
    for name, table, events, _, _ in GUARDS:
        if vendor == "postgresql":
            yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
        else:
            yield from (f"DROP TRIGGER IF EXISTS {name}_{event.lower()}" for event in events)
    if vendor == "postgresql":
        yield from (f"DROP TRIGGER IF EXISTS not_emptied ON {table}" for table in KEPT)


def _creating(vendor: str) -> Iterator[str]:
    return _postgresql() if vendor == "postgresql" else _sqlite()


def _sqlite() -> Iterator[str]:
    for name, table, events, condition, message in GUARDS:
        condition = condition.replace("IS DISTINCT FROM", "IS NOT")  # the same, and understood by older versions, too
        for event in events:
            yield (
                f"CREATE TRIGGER {name}_{event.lower()} BEFORE {event} ON {table} WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )


def _postgresql() -> Iterator[str]:
    for name, table, events, condition, message in GUARDS:
        yield _function(name, condition, message)
        yield (f"CREATE TRIGGER {name} BEFORE {' OR '.join(events)} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
    yield _function("not_emptied", "1 = 1", "this table is only appended to")
    for table in KEPT:
        yield f"CREATE TRIGGER not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION not_emptied()"


def _function(name: str, condition: str, message: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ BEGIN "
        f"IF {condition} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation'; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$ LANGUAGE plpgsql"
    )
