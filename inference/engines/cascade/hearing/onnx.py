"""Runs small ONNX networks on one CPU thread: they take milliseconds, and more threads would only slow them down."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, cast

import onnxruntime


class Session(Protocol):
    def run(self, outputs: None, inputs: dict[str, Any]) -> list[Any]: ...


def load_session(path: Path) -> Session:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return cast(Session, onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))
