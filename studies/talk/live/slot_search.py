"""From a request to a slot: patient, because an inference worker that died is back within seconds."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from channels.db import database_sync_to_async
from django.conf import settings

from inference.contract.client import Slot, open_slot
from inference.contract.errors import NoWorker, SlotLost
from inference.contract.tokens import SlotRequest
from studies.models import InferenceWorker
from studies.talk.workers import reports
from studies.talk.workers.needs import Needs

PATIENCE_SEC: Final = 30.0
LOOK_AGAIN_SEC: Final = 0.5

log = structlog.get_logger(__name__)


async def find_slot(request: SlotRequest, needs: Needs) -> tuple[InferenceWorker, Slot]:
    """The first worker that answers, and the slot (or the place in its queue) there.

    A worker that does not answer counts as gone until it reports again. Raises NoWorker after PATIENCE_SEC, and at
    once what a worker refused the request with."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + PATIENCE_SEC
    while True:
        try:
            worker = await database_sync_to_async(reports.pick)(needs)
        except NoWorker:
            if loop.time() > give_up_at:
                raise
        else:
            try:
                return worker, await open_slot(worker.address, request, settings.WORKER_SECRET)
            except SlotLost as error:
                log.warning("worker_does_not_answer", worker=worker.name, reason=error.reason)
                await database_sync_to_async(reports.mark_gone)(worker.address)
        await asyncio.sleep(LOOK_AGAIN_SEC)
