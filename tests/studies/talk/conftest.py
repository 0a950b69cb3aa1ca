"""A session with its trials, and an inference worker of the echo engine that the web knows of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from inference.contract.tokens import HEARTBEAT, sign
from inference.engines.base import Engine
from inference.engines.echo import EchoEngine
from inference.worker.__main__ import Worker
from inference.worker.settings import WorkerSettings
from studies.models import Session, Take, Trial
from studies.talk import takes
from studies.talk.workers import reports
from tests.inference.running import NOWHERE
from tests.studies.factories import make_session, make_study
from tests.studies.talk.pages import Page

Serving = Callable[..., AbstractAsyncContextManager[Worker]]
Talking = Callable[..., Any]


@pytest.fixture
def session(transactional_db: None) -> Session:
    return make_session(make_study())


@pytest.fixture
def trial(session: Session) -> Trial:
    return session.trials.get(position=0)


@pytest.fixture
def take(trial: Trial) -> Take:
    return takes.start_take(trial)


@pytest.fixture
def serving(transactional_db: None) -> Serving:
    """An inference worker in this process, announced as by its heartbeat. It echoes, under the name the study asks
    for: no study may publish `echo`."""

    @asynccontextmanager
    async def serve(engine: type[Engine] = EchoEngine, slots: int = 2) -> AsyncIterator[Worker]:
        asked = WorkerSettings(slots=slots, worker_secret=settings.WORKER_SECRET, port=0, web_url=NOWHERE)
        worker = Worker(asked, {"cascade": partial(engine, slots, {})}, ("none", "transform"))
        await worker.start()
        try:
            await announce(worker)
            yield worker
        finally:
            await worker.stop()

    return serve


async def announce(worker: Worker) -> None:
    """Has the web store the worker's own report."""
    await sync_to_async(reports.record_heartbeat)(sign(HEARTBEAT, worker.report(), settings.WORKER_SECRET))


async def open_page(take: Take, **options: Any) -> Page:
    """A socket with a fresh ticket."""
    ticket = await sync_to_async(takes.issue_ticket)(await reread(take))
    return await Page(take.pk, ticket, **options).open()


async def reread(take: Take) -> Take:
    """The take's row as it is now."""
    return await Take.objects.select_related("trial__session", "trial__condition").aget(pk=take.pk)
