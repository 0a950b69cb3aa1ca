"""What Celery runs. Each fetches by id and calls one verb; each can run twice, or never: the sweep makes up for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from celery import shared_task
from celery.signals import worker_ready
from django.utils import timezone

from studies.allocation.places import give_up_abandoned
from studies.models.guards import empty_write_ahead_log
from studies.talk.filing import erasure, filing, sweep
from studies.talk.filing.measuring import measure_and_store
from studies.voices import drafts, library
from studies.withdrawal import finish_withdrawals, forget_undecided

log = structlog.get_logger(__name__)


@shared_task
def file_take(take_id: str) -> None:
    """Files an ended take, then has it measured."""
    if filing.file_take(UUID(take_id)):
        measure_take.delay(take_id)


@shared_task
def measure_take(take_id: str) -> None:
    """Computes the metrics of a filed take, in place of those it had."""
    measure_and_store(UUID(take_id))


@shared_task
def pick_up_unfiled_takes() -> None:
    """Ends, files and measures what was left behind by a crash, a kill or a lost message; finishes withdrawals."""
    sweep.end_left_takes()
    sweep.file_forgotten_takes()
    sweep.remove_filed_journals()
    finish_withdrawals()
    for take_id in sweep.unmeasured_takes():
        try:
            measure_and_store(take_id)
        except Exception:  # the others must still be measured
            log.exception("take_not_measured", take=str(take_id))


@shared_task
def erase_expired_recordings() -> None:
    """Erases recordings past their study's retention date, voices made of them, uploads nobody saved, and answers that
    nobody stood by with their consent."""
    library.withdraw_outlived_donations(timezone.localdate())
    erasure.erase_expired(timezone.localdate())
    erasure.erase_leftovers()
    library.erase_leftovers()
    drafts.drop_old()
    forget_undecided()
    empty_write_ahead_log()


@shared_task
def give_up_abandoned_places() -> None:
    """Frees the places of sessions that were not seen for as long as their study waits."""
    give_up_abandoned()


@worker_ready.connect
def _pick_up_at_start(**_: Any) -> None:
    pick_up_unfiled_takes.delay()
