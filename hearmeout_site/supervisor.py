"""`make run`: everything on one machine. It starts the web process, an inference worker and Celery, restarts what
dies or hangs, and stops all on one Ctrl-C.

The worker loads for the longest, so it begins at once. The web process waits for the database, and Celery lets the
speech engine have the processor first.

    python -m hearmeout_site.supervisor
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any, Final

from hearmeout_site.celery import READY
from hearmeout_site.environment import ROOT, WebSettings, read_environment
from hearmeout_site.health import end_if_it_hangs, health_status
from hearmeout_site.privacy import FOR_US_ALONE, give_up_root

FIRST_WAIT_SEC = 1.0
STEADY_AFTER_SEC = 60.0  # a child that ran this long starts its back-off anew
STOP_WITHIN_SEC = 15.0
NAME_WIDTH = 9
LONGEST_LINE = 2**20
LOOK_EVERY_SEC = 0.2
TELL_EVERY_SEC = 10.0
ENGINE_FIRST_SEC = 20.0  # how long Celery waits for a speech engine that does not get ready
WORKER_LINE: Final = re.compile(r"timestamp='[^']*' level='(?P<level>\w+)' event='(?P<event>[^']*)' ?(?P<rest>.*)")


@dataclass
class Child:
    """One supervised process, started in a group of its own so that nothing of it outlives it. It starts once `after`
    is set; `ready` is set when it has printed the line READY. Where it has a `url`, it is asked there how it is, and
    ended when it says nothing for `hung_after_sec`."""

    name: str
    command: list[str]
    environment: dict[str, str]
    longest_wait_sec: float = 30.0
    url: str = ""
    hung_after_sec: float = 20.0
    process: asyncio.subprocess.Process | None = None
    wait_sec: float = field(default=FIRST_WAIT_SEC)
    after: asyncio.Event | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Start, pass the output on, and start again, later each time, until cancelled."""
        if self.after is not None:
            await self.after.wait()
        async with asyncio.TaskGroup() as tasks:
            if self.url:
                tasks.create_task(
                    end_if_it_hangs(
                        self.url,
                        self.hung_after_sec,
                        lambda: self.process,
                        lambda text: say("run", f"{self.name} {text}"),
                    )
                )
            await self.keep_running()

    async def keep_running(self) -> None:
        while True:
            started = time.monotonic()
            # a pipe of our own: with asyncio's, the end of a child is not seen while what it started holds it open
            output, child_output = os.pipe()
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                env=self.environment,
                cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=child_output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
            os.close(child_output)
            passing_on = asyncio.create_task(self.pass_on(output))
            code = await self.process.wait()
            self.signal_group(signal.SIGKILL)  # what it started must not go on without it
            await passing_on
            if time.monotonic() - started > STEADY_AFTER_SEC:
                self.wait_sec = FIRST_WAIT_SEC
            self.wait_sec = min(self.wait_sec, self.longest_wait_sec)
            say("run", f"{self.name} {how_it_ended(code)}; starting it again in {self.wait_sec:g} s")
            await asyncio.sleep(self.wait_sec)
            self.wait_sec *= 2

    async def pass_on(self, output: int) -> None:
        """Prints the lines that come out of a pipe until its last writer is gone."""
        reader = asyncio.StreamReader(limit=LONGEST_LINE)
        pipe = os.fdopen(output, "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            async for line in reader:
                text = line.decode(errors="replace").rstrip()
                if text == READY:
                    self.ready.set()
                say(self.name, readable(text))
        finally:
            transport.close()

    def signal_group(self, number: signal.Signals) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):  # all of it is gone already
                os.killpg(self.process.pid, number)

    async def stop(self) -> None:
        """Ask, then insist."""
        if self.process is None:
            return
        self.signal_group(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), STOP_WITHIN_SEC)
        except TimeoutError:
            say("run", f"{self.name} did not stop in {STOP_WITHIN_SEC:.0f} s; killing it")
        self.signal_group(signal.SIGKILL)
        await self.process.wait()


def how_it_ended(code: int) -> str:
    """-9 -> "was killed by SIGKILL", 1 -> "ended with status 1"."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def readable(line: str) -> str:
    """A line of the inference worker's log without what is for machines; any other line as it is."""
    match = WORKER_LINE.fullmatch(line)
    if match is None:
        return line
    text = f"{match['event']}: {match['rest']}" if match["rest"] else match["event"]
    return text if match["level"] == "info" else f"{match['level'].upper()} {text}"


def say(name: str, text: str) -> None:
    print(f"{name:<{NAME_WIDTH}}│ {text}", flush=True)


def free_port(wanted: int, purpose: str, taken: tuple[int, ...] = ()) -> int:
    """`wanted`, or the next free port after it; names the one that was taken."""
    for port in count(wanted):
        if port in taken:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port != wanted:
            say("run", f"port {wanted} for the {purpose} is taken; using {port}")
        return port
    raise AssertionError("unreachable")


@dataclass(frozen=True)
class Family:
    """The processes of one machine, and what the later ones wait for."""

    worker: Child
    web: Child
    celery: Sequence[Child]
    prepared: asyncio.Event
    engine_had_its_turn: asyncio.Event

    @property
    def all(self) -> Sequence[Child]:
        return (self.worker, self.web, *self.celery)


def family_of(settings: WebSettings, web_port: int, worker_port: int) -> Family:
    """The processes, with the environment that joins them."""
    python = [sys.executable, "-u", "-X", "faulthandler"]  # one that is ended for hanging writes where it stands
    web_url, worker_url = (f"http://127.0.0.1:{port}" for port in (web_port, worker_port))
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "hearmeout_site.settings",
        "DATA_DIR": str(settings.data_dir.resolve()),
        "PORT": str(web_port),
        "WORKER_PORT": str(worker_port),
        "WORKER_DRAIN_SEC": "0",  # all stops together: nobody is left to go on with a talk
        "WORKER_SECRET": settings.worker_secret,
        "RECONNECT_GRACE_SEC": str(settings.reconnect_grace_sec),
        "WEB_URL": web_url,
        "PYTHONUNBUFFERED": "1",
    }
    celery = [*python, "-m", "celery", "--app", "hearmeout_site", "--quiet"]
    concurrency = str(settings.celery_concurrency)
    tasks = [*celery, "worker", "--loglevel", "WARNING", "--concurrency", concurrency, "--hostname", "tasks@%h"]
    schedule = [*celery, "beat", "--loglevel", "WARNING"]
    prepared, engine_had_its_turn = asyncio.Event(), asyncio.Event()

    def child(name: str, command: list[str], after: asyncio.Event | None = None, url: str = "") -> Child:
        return Child(
            name, command, environment, settings.restart_wait_max_sec, url, settings.hung_after_sec, after=after
        )

    return Family(
        worker=child("inference", [*python, "-m", "inference.worker"], url=worker_url),
        web=child("web", [*python, "-m", "hearmeout_site.web"], prepared, web_url),
        celery=[child("celery", tasks, engine_had_its_turn), child("schedule", schedule, engine_had_its_turn)],
        prepared=prepared,
        engine_had_its_turn=engine_had_its_turn,
    )


async def announce(family: Family, url: str, site: str, started: float) -> None:
    """Print the link once the site answers at `url`, what is waited for, and that all is ready."""
    say("run", "The web process is starting …")
    while await asyncio.to_thread(health_status, url) is None:
        await asyncio.sleep(LOOK_EVERY_SEC)
    answered = told = time.monotonic()
    say("run", "")
    say("run", f"Hear Me Out is at  {site}/")
    say("run", f"Researchers sign in at  {site}/admin/")
    say("run", "The speech engine is loading …")
    while await asyncio.to_thread(health_status, url) != HTTPStatus.OK:
        now = time.monotonic()
        if now - told > TELL_EVERY_SEC:
            told = now
            say("run", f"The speech engine is still loading, {now - started:.0f} s after the start …")
        if now - answered > ENGINE_FIRST_SEC:
            family.engine_had_its_turn.set()
        await asyncio.sleep(LOOK_EVERY_SEC)
    say("run", f"The speech engine is ready, {time.monotonic() - started:.0f} s after the start: people can talk.")
    family.engine_had_its_turn.set()
    for child in family.celery:
        await child.ready.wait()
    say("run", f"Everything is ready, {time.monotonic() - started:.0f} s after the start. Ctrl-C stops everything.")


async def prepare(environment: dict[str, str]) -> int:
    """Database, demo studies and the first researcher; the exit status. The process says itself what went wrong."""
    say("run", "The database is brought up to date …")
    process = await asyncio.create_subprocess_exec(sys.executable, "manage.py", "prepare", cwd=ROOT, env=environment)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise


async def supervise() -> int:
    """Until Ctrl-C; the exit status."""
    started = time.monotonic()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what is ended leaves no copy of people's speech on the disk
    folders = [ROOT, Path(os.environ.get("DATA_DIR") or ROOT / "var")]
    os.environ.update(give_up_root(folders, lambda text: say("run", text)))
    os.umask(FOR_US_ALONE)
    settings = read_environment()
    web_port = free_port(settings.port, "site")
    worker_port = free_port(settings.worker_port, "inference worker", taken=(web_port,))
    family = family_of(settings, web_port, worker_port)
    checking = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "inference.worker.settings", cwd=ROOT, env=family.worker.environment
    )
    if status := await checking.wait():  # the process says itself what is wrong with the worker's settings
        return status
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    running = [asyncio.create_task(child.run(), name=child.name) for child in family.all]
    stopping: asyncio.Task[Any] = asyncio.create_task(stop.wait())
    preparing = asyncio.create_task(prepare(family.web.environment))
    # a child's task never ends by itself: if one does, its exception ends the run and is shown
    done, _ = await asyncio.wait([*running, stopping, preparing], return_when=asyncio.FIRST_COMPLETED)
    status = preparing.result() if preparing in done else 0
    telling: asyncio.Task[None] | None = None
    if preparing in done and status == 0:
        family.prepared.set()
        site = f"https://{settings.allowed_hosts[0]}" if settings.production else family.web.url
        telling = asyncio.create_task(announce(family, family.web.url, site, started))
        done, _ = await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    say("run", "stopping …" if status == 0 else "The database could not be prepared, as said above; stopping …")
    for task in (*running, preparing, *([telling] if telling else [])):
        task.cancel()
    if telling is None:  # nobody can have talked yet
        family.worker.signal_group(signal.SIGKILL)
    await asyncio.gather(*(child.stop() for child in family.all))
    await asyncio.wait([preparing])
    for task in done - {stopping, preparing}:
        task.result()
    return status


def main() -> None:
    sys.exit(asyncio.run(supervise()))


if __name__ == "__main__":
    main()
