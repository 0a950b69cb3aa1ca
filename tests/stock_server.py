"""The stock `python -m moshi.server`, really running, on CPU and in float32.

    python -m tests.stock_server --config-path DIR/config.json --port 8998    # the flags of moshi.server
    STOCK_GREEDY=1 python -m ...                                              # without sampling

Three things stand between it and a test. Its warm-up synchronises CUDA whether there is one or not; its command line
offers bfloat16 and float16 alone; and it samples. Each is set from outside; its server code runs untouched.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, Self

from tests.ports import free_port

ROOT: Final = Path(__file__).resolve().parent.parent
START_SEC: Final = 120.0
READY: Final = "Running on"


class StockServer:
    """One server in a process of its own, from `with` to its end. `url` is without a path."""

    def __init__(self, config: Path, log: Path, *, greedy: bool = True) -> None:
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self.log_file = log
        self._command = [sys.executable, "-u", "-m", "tests.stock_server", "--config-path", str(config)]
        self._command += ["--host", "127.0.0.1", "--port", str(self.port)]
        self._environment = {**os.environ, "OMP_NUM_THREADS": "1", "STOCK_GREEDY": "1" if greedy else ""}

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        with self.log_file.open("w") as output:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SEC
        while READY not in self.log_file.read_text():  # somebody else may listen on the port
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"the stock server did not start:\n{self.log_file.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()  # it waits for its clients otherwise
        self._process.wait()


def main() -> None:
    os.environ.setdefault("NO_TORCH_COMPILE", "1")
    import torch
    from moshi.models import loaders

    load_checkpoint, load_model = loaders.CheckpointInfo.from_hf_repo, loaders.CheckpointInfo.get_moshi

    def from_hf_repo(*arguments: Any, **named: Any) -> Any:
        checkpoint = load_checkpoint(*arguments, **named)
        if os.environ.get("STOCK_GREEDY"):
            checkpoint.lm_gen_config = {**checkpoint.lm_gen_config, "use_sampling": False}
        return checkpoint

    def get_moshi(self: Any, *arguments: Any, **named: Any) -> Any:
        return load_model(self, *arguments, **{**named, "dtype": torch.float32})

    torch.cuda.synchronize = lambda *_: None
    loaders.CheckpointInfo.from_hf_repo = staticmethod(from_hf_repo)
    loaders.CheckpointInfo.get_moshi = get_moshi
    sys.argv += ["--device", "cpu", "--static", "none"]
    runpy.run_module("moshi.server", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
