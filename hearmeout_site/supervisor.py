"""`make run`: everything on one machine. Starts the web process, an inference worker and Celery, restarts what
dies, stops all on one Ctrl-C.

    python -m hearmeout_site.supervisor
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from hearmeout_site.environment import ROOT, WebSettings, read_environment

FIRST_WAIT_SEC = 1.0
STEADY_AFTER_SEC = 60.0  # a child that ran this long starts its back-off anew
STOP_WITHIN_SEC = 15.0
NAME_WIDTH = 9
LONGEST_LINE = 2**20


@dataclass
class Child:
    """One supervised process, started in a group of its own so that nothing of it outlives it."""

    name: str
    command: list[str]
    environment: dict[str, str]
    longest_wait_sec: float = 30.0
    process: asyncio.subprocess.Process | None = None
    wait_sec: float = field(default=FIRST_WAIT_SEC)

    async def run(self) -> None:
        """Start, pass the output on, and start again, later each time, until cancelled."""
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
                say(self.name, line.decode(errors="replace").rstrip())
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


def children(settings: WebSettings, web_port: int, worker_port: int) -> list[Child]:
    """The processes of one machine, with the environment that joins them."""
    python = [sys.executable, "-u", "-m"]
    web_url = f"http://127.0.0.1:{web_port}"
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
    celery = [*python, "celery", "--app", "hearmeout_site", "--quiet"]
    concurrency = str(settings.celery_concurrency)
    commands = {
        "web": [*python, "hearmeout_site.web"],
        "inference": [*python, "inference.worker"],
        "celery": [*celery, "worker", "--loglevel", "WARNING", "--concurrency", concurrency, "--hostname", "tasks@%h"],
        "schedule": [*celery, "beat", "--loglevel", "WARNING"],
    }
    return [Child(name, command, environment, settings.restart_wait_max_sec) for name, command in commands.items()]


async def announce(url: str, started: float) -> None:
    """Print the link once the site answers, and again what is ready once an engine is."""
    while await asyncio.to_thread(health_status, url) is None:
        await asyncio.sleep(0.3)
    say("run", "")
    say("run", f"Hear Me Out is at  {url}/")
    say("run", f"Researchers sign in at  {url}/admin/")
    say("run", "The speech engine is loading …")
    while await asyncio.to_thread(health_status, url) != HTTPStatus.OK:
        await asyncio.sleep(0.5)
    took_sec = time.monotonic() - started
    say("run", f"The speech engine is ready, {took_sec:.0f} s after the start. Ctrl-C stops everything.")


def health_status(url: str) -> int | None:
    """200 while people can talk, 503 while something is missing, None while the site does not answer."""
    try:
        with urlopen(f"{url}/healthz", timeout=2) as response:  # noqa: S310 - our own address
            return int(response.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return None


def prepare(environment: dict[str, str]) -> None:
    """The worker's settings are checked; then database, demo studies and the first researcher. Exits with what went
    wrong."""
    for command in (["-m", "inference.worker.settings"], ["manage.py", "prepare"]):
        done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment)  # noqa: S603
        if done.returncode:
            sys.exit(done.returncode)


async def supervise() -> None:
    started = time.monotonic()
    settings = read_environment()
    web_port = free_port(settings.port, "site")
    worker_port = free_port(settings.worker_port, "inference worker", taken=(web_port,))
    family = children(settings, web_port, worker_port)
    await asyncio.to_thread(prepare, family[0].environment)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    running = [asyncio.create_task(child.run(), name=child.name) for child in family]
    telling = asyncio.create_task(announce(f"http://127.0.0.1:{web_port}", started))
    stopping: asyncio.Task[Any] = asyncio.create_task(stop.wait())
    # a child's task never ends by itself: if one does, its exception ends the run and is shown
    done, _ = await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    say("run", "stopping …")
    for task in (*running, telling):
        task.cancel()
    await asyncio.gather(*(child.stop() for child in family))
    for task in done - {stopping}:
        task.result()


def main() -> None:
    asyncio.run(supervise())


if __name__ == "__main__":
    main()
