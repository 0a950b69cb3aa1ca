"""An inference worker of the tiny Moshi beside a stack's own, which can be stopped and killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from hearmeout_site.environment import ROOT
from tests.e2e.stack import Stack
from tests.moshi_checkpoint import tiny_checkpoint
from tests.ports import free_port


class MoshiWorker:
    """`python -m inference.worker`; in the block once the web knows it. The web prefers the one with the most slots."""

    def __init__(self, stack: Stack, folder: Path, name: str, slots: int) -> None:
        self.name = name
        self._stack = stack
        self._log_file = folder / f"{name}.log"
        secrets = json.loads((Path(stack.environment["DATA_DIR"]) / "secrets.json").read_text())
        self._environment = {
            **stack.environment,
            "WEB_URL": stack.url,
            "WORKER_SECRET": secrets["worker_secret"],
            "WORKER_NAME": name,
            "WORKER_PORT": str(free_port()),
            "WORKER_ENGINES": "moshi",
            "WORKER_SLOTS": str(slots),
            "WORKER_MAX_STEP_MS": "1000",  # this machine has other things to do
            "MOSHI_CHECKPOINT": str(tiny_checkpoint()),
            "MOSHI_DEVICE": "cpu",
        }

    def __enter__(self) -> MoshiWorker:
        with self._log_file.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "inference.worker"],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_for("heartbeat heard", within_sec=90)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def stop(self) -> None:
        """SIGTERM: its conversations move."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        return self._process.wait(40)

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def _wait_for(self, text: str, within_sec: float) -> None:
        deadline = time.monotonic() + within_sec
        while text not in (log := self._log_file.read_text(errors="replace")):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not ready:\n{log}\n{self._stack.log}")
            time.sleep(0.1)
