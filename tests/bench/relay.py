"""What the relay costs: a direct socket to the worker against the way through the web process, in one run.

    python -m tests.bench.relay [--sessions 1 10 50] [--servers daphne uvicorn] [--seconds 8]

The web process is the real one: TalkConsumer, tickets, consent checks, the journal on disk. It has a core of its own
where there are two; the participants and the worker share the other. The worker answers at once (see relay_worker), so
that no engine is in the figures. Latency is one way, both ways pooled; "added" is the relay's percentile less the
direct socket's.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import quote
from urllib.request import urlopen

import psutil

from inference.contract.tokens import SLOT, SlotRequest, sign
from tests.ports import free_port

SERVERS: Final = ("daphne", "uvicorn")
START_SEC: Final = 60.0
CORES: Final = sorted(os.sched_getaffinity(0))
WEB_CORES, OTHER_CORES = (CORES[:1], CORES[1:]) if len(CORES) > 1 else (CORES, CORES)


@dataclass(frozen=True)
class Result:
    """One row of the table. `cpu` is the web process's share of one core, None where there is none."""

    path: str
    sessions: int
    load: dict[str, Any]
    cpu: float | None

    @property
    def lost(self) -> int:
        return int(self.load["sent_steps"] - self.load["answered_steps"])


class Bench:
    """A data folder, a worker, and a web process in front of it."""

    def __init__(self, folder: Path) -> None:
        self.web_port, self.worker_port = free_port(), free_port()
        self.worker_secret = token_urlsafe(40)
        self.web_log = folder / "web.log"
        self.environment = {
            **os.environ,
            "DATA_DIR": str(folder),
            "PORT": str(self.web_port),
            "WORKER_SECRET": self.worker_secret,
            "DJANGO_SETTINGS_MODULE": "hearmeout_site.settings",
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "LOG_LEVEL": "ERROR",
        }

    @contextmanager
    def worker(self) -> Iterator[None]:
        web_url = f"http://127.0.0.1:{self.web_port}"
        arguments = [str(self.worker_port), web_url, self.worker_secret]
        with self._process([sys.executable, "-m", "tests.bench.relay_worker", *arguments], OTHER_CORES) as process:
            self._wait(process, self._worker_listens)
            yield

    @contextmanager
    def web(self, server: str) -> Iterator[psutil.Process]:
        """The web process, once it has heard of the worker."""
        options = ["--loop", "uvloop", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
        options += ["--lifespan", "off", "--log-level", "error", "--port", str(self.web_port)]
        command = {
            "daphne": [sys.executable, "-m", "hearmeout_site.web"],
            "uvicorn": [sys.executable, "-m", "uvicorn", "hearmeout_site.asgi:application", *options],
        }[server]
        with self.web_log.open("ab") as log, self._process(command, WEB_CORES, stdout=log, stderr=log) as process:
            self._wait(process, self._web_is_healthy)
            yield process

    def direct_targets(self, sessions: int) -> list[tuple[str, str]]:
        requests = [SlotRequest(f"take-{number}", "echo") for number in range(sessions)]
        worker = f"ws://127.0.0.1:{self.worker_port}"
        return [(f"{worker}/slot", sign(SLOT, request, self.worker_secret, to=worker)) for request in requests]

    def relay_targets(self, sessions: int) -> list[tuple[str, str]]:
        made = self.python("tests.bench.relay_takes", json.dumps({"sessions": sessions}))
        return [
            (f"ws://127.0.0.1:{self.web_port}{path}?ticket={quote(ticket)}", "") for path, ticket in json.loads(made)
        ]

    def measure(
        self, path: str, targets: Sequence[tuple[str, str]], seconds: float, web: psutil.Process | None
    ) -> Result:
        asked = {"direct": web is None, "targets": targets, "seconds": seconds}
        cpu_sec: list[float] = []
        walls_sec: list[float] = []
        load: dict[str, Any] = {}
        command = [sys.executable, "-m", "tests.bench.relay_load", json.dumps(asked)]
        with self._process(command, OTHER_CORES, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith((b"START", b"STOP")):
                    walls_sec.append(time.monotonic())
                    cpu_sec.append(sum(web.cpu_times()[:2]) if web else 0)
                else:
                    load = json.loads(line)
        if not load:
            raise SystemExit(f"the participants of {path} failed; see above")
        cpu = (cpu_sec[1] - cpu_sec[0]) / (walls_sec[1] - walls_sec[0]) if web else None
        return Result(path, len(targets), load, cpu)

    def python(self, *arguments: str) -> str:
        """Runs a module and returns the last line that it printed."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments], env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout.splitlines()[-1] if done.stdout else ""

    @contextmanager
    def _process(self, command: list[str], cores: list[int], **options: Any) -> Iterator[psutil.Popen]:
        process = psutil.Popen(command, env=self.environment, **options)
        try:
            process.cpu_affinity(cores)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except psutil.TimeoutExpired:
                process.kill()

    def _wait(self, process: psutil.Popen, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SEC
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                log = self.web_log.read_text() if self.web_log.exists() else ""
                raise SystemExit(f"{' '.join(process.args[1:3])} did not start\n{log}")
            time.sleep(0.1)

    def _worker_listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.worker_port)) == 0

    def _web_is_healthy(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.web_port}/healthz", timeout=5):
                return True
        except OSError:  # nobody listens, or 503: it has not heard of the worker yet
            return False


COLUMNS: Final = (
    ("path", 8), ("sessions", 8), ("one-way ms p50", 14), ("p95", 7), ("p99", 7), ("added p50", 9), ("p95", 7),
    ("p99", 7), ("web CPU", 8), ("a session", 9), ("lost", 5), ("disorder", 8), ("unacked", 7), ("load lag p99", 12),
)  # fmt: skip


def row(result: Result, direct: Result) -> str:
    """One line. What is no part of a direct socket is a dash."""
    one_way, base = result.load["one_way_ms"], direct.load["one_way_ms"]
    relayed = result.cpu is not None
    cells = [
        result.path,
        str(result.sessions),
        *(f"{value:.2f}" for value in one_way),
        *(f"{value - before:.2f}" if relayed else "-" for value, before in zip(one_way, base, strict=True)),
        f"{result.cpu:.1%}" if result.cpu is not None else "-",
        f"{result.cpu / result.sessions:.2%}" if result.cpu is not None else "-",
        str(result.lost),
        str(result.load["out_of_order"]),
        str(result.load["unacknowledged"]) if relayed else "-",
        f"{result.load['lag_ms'][2]:.2f}",
    ]
    return "  ".join(cell.rjust(width) for cell, (_, width) in zip(cells, COLUMNS, strict=True))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--seconds", type=float, default=8.0)
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    print(f"{len(CORES)} cores, load average {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}", flush=True)
    print("  ".join(name.rjust(width) for name, width in COLUMNS), flush=True)
    faults = 0
    with tempfile.TemporaryDirectory(prefix="hearmeout-bench-") as folder:
        bench = Bench(Path(folder))
        bench.python("django", "migrate", "--verbosity", "0", "--skip-checks")
        bench.python("django", "load_demo", "--verbosity", "0", "--skip-checks")
        with bench.worker():
            direct = {}
            for sessions in asked.sessions:
                direct[sessions] = bench.measure("direct", bench.direct_targets(sessions), asked.seconds, None)
                print(row(direct[sessions], direct[sessions]), flush=True)
            for server in asked.servers:
                for sessions in asked.sessions:
                    with bench.web(server) as web:
                        result = bench.measure(server, bench.relay_targets(sessions), asked.seconds, web)
                    print(row(result, direct[sessions]), flush=True)
                    for failure in result.load["failed"]:
                        print(f"  failed: {failure}", flush=True)
                    faults += result.lost + result.load["out_of_order"] + len(result.load["failed"])
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
