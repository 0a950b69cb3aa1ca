"""Decodes researchers' uploads in a process of its own that can do little else (see decoder.py).

In the web process no codec ever reads these bytes; the web process receives plain samples.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import structlog

from inference.contract.audio import SAMPLE_RATE_HZ, Int16
from studies.errors import AudioRefused

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PROGRAM: Final = Path(__file__).with_name("decoder.py")
MAX_UPLOAD_BYTES: Final = 64 * 2**20
WALL_SEC: Final = 60.0  # The limit of 20 s of CPU time is reached first, unless the machine is very busy.
MAX_REPORT_BYTES: Final = 2**16
ENVIRONMENT: Final = {"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

TOO_MUCH: Final = "It took too long to decode. Choose a short part of it, saved as WAV or FLAC."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reference:
    """A decoded recording as it is kept: FLAC, mono, 24 kHz.

    `facts` describes the upload; for `quality` see quality.py."""

    flac: bytes
    sha256: str
    duration_samples: int
    facts: Mapping[str, Any]
    quality: Mapping[str, Any]


def decode_upload(parts: Iterable[bytes], *, wall_sec: float = WALL_SEC) -> Reference:
    """Returns the recording in an upload, which is given in pieces. Raises AudioRefused."""
    with tempfile.TemporaryDirectory(prefix="hearmeout-upload-") as folder:
        upload, output, report = (Path(folder) / name for name in ("upload", "samples", "report"))
        _write(upload, parts)
        code = _run(upload, output, report, wall_sec)
        result = _read_report(report)
        if "code" in result:
            raise AudioRefused(str(result["code"]), str(result["message"]))
        if code != 0 or "facts" not in result:
            raise _killed(code)
        pcm: Int16 = np.fromfile(output, "<i2")
    return encode(pcm, result["facts"], result["quality"])


def encode(pcm: Int16, facts: Mapping[str, Any], quality: Mapping[str, Any]) -> Reference:
    """Encodes PCM16 [n] at 24 kHz as FLAC, with its hash."""
    file = io.BytesIO()
    soundfile.write(file, pcm, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    flac = file.getvalue()
    return Reference(flac, hashlib.sha256(flac).hexdigest(), len(pcm), facts, quality)


def _write(path: Path, parts: Iterable[bytes]) -> None:
    size = 0
    with path.open("wb") as file:
        for part in parts:
            size += len(part)
            if size > MAX_UPLOAD_BYTES:
                raise AudioRefused(
                    "too_large", f"It is larger than {MAX_UPLOAD_BYTES // 2**20} MB. Choose a short part."
                )
            file.write(part)


def _run(upload: Path, output: Path, report: Path, wall_sec: float) -> int:
    """Returns the child's exit status, negative for the signal that ended it. Raises AudioRefused after `wall_sec`."""
    empty = upload.parent / "empty"
    empty.mkdir()
    with upload.open("rb") as stdin, output.open("wb") as stdout, report.open("wb") as stderr:
        child = subprocess.Popen(  # noqa: S603  our own program; the upload is its input, never an argument
            [sys.executable, "-I", "-W", "ignore", str(PROGRAM), str(ROOT)],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=empty,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        try:
            return child.wait(wall_sec)
        except subprocess.TimeoutExpired:
            log.warning("upload_refused", code="too_slow")
            raise AudioRefused("too_slow", TOO_MUCH) from None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def _read_report(report: Path) -> dict[str, Any]:
    """Returns the last report of the child; empty if it wrote none that can be read."""
    try:
        result = json.loads(report.read_bytes()[-MAX_REPORT_BYTES:])
    except ValueError:
        return {}
    return result if isinstance(result, dict) else {}


def _killed(code: int) -> AudioRefused:
    log.warning("upload_refused", code="killed", status=code)
    if -code in {signal.SIGXCPU, signal.SIGKILL}:
        return AudioRefused("too_slow", TOO_MUCH)
    return AudioRefused("damaged", "The file stopped the decoder. It is damaged, or it is not what it claims to be.")
