"""The whole product as `make run` starts it, on free ports and in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from hearmeout_site.environment import ROOT
from tests.ports import free_port

SERVICES = ("DATABASE_URL", "REDIS_URL")  # empty by default here: what runs out of the box is what is tested
COMMANDS = {"web": "hearmeout_site.web", "inference": "inference.worker", "celery": "worker", "schedule": "beat"}


class Stack:
    """`python -m hearmeout_site.supervisor` in a process of its own; `log` is what it printed."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.log_file = folder / "run.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in SERVICES},
            "DATA_DIR": str(folder / "data"),
            "PORT": str(self.port),
            "WORKER_PORT": str(free_port()),
            "RESTART_WAIT_MAX_SEC": "0.5",
            "JOURNAL_MIN_FREE_MB": "1",
            **environment,
        }
        self._scripts: subprocess.Popen[str] | None = None
        self._one_script = threading.Lock()

    def __enter__(self) -> Stack:
        with self.log_file.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "hearmeout_site.supervisor"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.wait_for("Everything is ready", within_sec=240)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self._scripts is not None:
            with self._scripts as scripts:
                scripts.terminate()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                raise

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def wait_for(self, text: str, within_sec: float = 60, times: int = 1) -> None:
        """Until the log holds `text` so many times. Raises TimeoutError with the log."""
        deadline = time.monotonic() + within_sec
        while self.log.count(text) < times:
            if self._process.poll() is not None:
                raise RuntimeError(f"the stack ended:\n{self.log}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {text!r} in {within_sec} s:\n{self.log}")
            time.sleep(0.05)

    def process(self, name: str) -> psutil.Process | None:
        """The running child called `name` in COMMANDS; None while it is down."""
        for child in psutil.Process(self._process.pid).children():
            try:
                if COMMANDS[name] in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                    return child
            except psutil.NoSuchProcess:
                continue
        return None

    def kill(self, name: str) -> None:
        """kill -9, as soon as there is something to kill."""
        deadline = time.monotonic() + 20
        while (process := self.process(name)) is None:
            assert time.monotonic() < deadline, f"{name} did not come back:\n{self.log}"
            time.sleep(0.05)
        process.kill()

    def script(self, module: str, **arguments: Any) -> Any:
        """Run a module with Django set up as the stack has it; JSON in as argument, JSON out."""
        with self._one_script:
            scripts = self._scripts = self._scripts or self._start_scripts()
            assert scripts.stdin is not None
            assert scripts.stdout is not None
            scripts.stdin.write(json.dumps({"module": module, "arguments": arguments}) + "\n")
            scripts.stdin.flush()
            answer = json.loads(scripts.stdout.readline())
        if "error" in answer:
            raise RuntimeError(f"{module} failed:\n{answer['error']}")
        return answer["result"]

    def _start_scripts(self) -> subprocess.Popen[str]:
        with (self.folder / "scripts.log").open("w") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.scripts"],
                cwd=ROOT,
                env=self.environment | {"DJANGO_SETTINGS_MODULE": "hearmeout_site.settings"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
