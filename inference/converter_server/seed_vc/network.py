"""Implements the contract of a network with Seed-VC. A row holds a talker's history, joint and target."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch

from inference.contract.audio import Float32
from inference.contract.errors import EngineUnavailable, OptionError, TargetUnavailable
from inference.converter_server.network import Network
from inference.converter_server.seed_vc import windows
from inference.converter_server.seed_vc.weights import FETCH, NAME, Weights, load
from inference.converter_server.seed_vc.windows import Target, content_of, enrol

SILENCE: Final = 1e-4  # root mean square of a block's window; below -80 dB there is nothing to convert
MAX_TARGETS: Final = 64
RANGES: Final[Mapping[str, tuple[float, float, float]]] = {  # low, high, and the default of the real-time interface
    "diffusion_steps": (1, 50, 10),
    "guidance": (0.0, 2.0, 0.7),
}


@dataclass(slots=True)
class _Row:
    target: Target
    history: windows.History
    joint: windows.Joint
    steps: int
    guidance: float
    seed: int
    number: int = 0  # blocks so far


class SeedVcNetwork(Network):
    """Its parameters are `diffusion_steps` (more are better and slower) and `guidance` (classifier-free; 0 halves the
    cost).

    The content encoder and the vocoder run for all talkers at once, the diffusion transformer for one after the other,
    because the package's sampler handles one target at a time. The result is deterministic given the seed."""

    needs_target = True
    parameters = MappingProxyType({name: (low, high) for name, (low, high, _) in RANGES.items()})

    def __init__(self, folder: Path | None, *, rows: int = 1, device: str = "auto") -> None:
        """Raises EngineUnavailable."""
        super().__init__()
        if folder is None:
            raise EngineUnavailable(NAME, "no weights are named", f"Name their folder with --weights. {FETCH}")
        name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        if name.startswith("cuda") and not torch.cuda.is_available():
            raise EngineUnavailable(NAME, "there is no CUDA device", "Leave --device out, or name cpu.")
        if name == "cpu":
            torch.set_num_threads(1)
        self.rows = rows
        self._weights: Weights = load(folder, torch.device(name))
        self.sample_rate_hz = self._weights.mel.sample_rate_hz
        unit, rest = divmod(self.sample_rate_hz, windows.UNITS_PER_SEC)
        if rest:
            raise EngineUnavailable(NAME, f"a rate of {self.sample_rate_hz} Hz has no frames of 20 ms", FETCH)
        self._unit_samples = unit
        self.block_samples = windows.BLOCK * unit
        self.latency_samples = windows.LATENCY * unit
        self._targets: OrderedDict[str, Target] = OrderedDict()
        self._open: dict[int, _Row] = {}

    def about(self) -> dict[str, Any]:
        return {
            "name": NAME,
            "version": version("seed-vc"),
            "torch": torch.__version__,
            "device": str(self._weights.device),
            "sources": dict(self._weights.sources),
            "licence": "GPL-3.0 (code); see each source for its weights",
            "defaults": {name: default for name, (_, _, default) in RANGES.items()},
            "search_ms": 1_000 * windows.SEARCH // windows.UNITS_PER_SEC,
        }

    def enrol(self, target: str, reference: Float32) -> None:
        self._targets[target] = enrol(self._weights, reference)
        while len(self._targets) > MAX_TARGETS:
            self._targets.popitem(last=False)

    def knows(self, target: str) -> bool:
        return target in self._targets

    def open(self, row: int, target: str, parameters: Mapping[str, Any], seed: int) -> None:
        values = {name: default for name, (_, _, default) in RANGES.items()}
        for name, value in parameters.items():
            if name not in RANGES:
                raise OptionError(name, value, f"one of {', '.join(RANGES)}")
            low, high, _ = RANGES[name]
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise OptionError(name, value, f"a number from {low:g} to {high:g}")
            values[name] = value
        if values["diffusion_steps"] != int(values["diffusion_steps"]):
            raise OptionError("diffusion_steps", values["diffusion_steps"], "a whole number")
        if target not in self._targets:
            raise TargetUnavailable("the converter server has forgotten it")
        self._targets.move_to_end(target)
        history, joint = windows.History(self.sample_rate_hz), windows.Joint(self._unit_samples)
        steps, guidance = int(values["diffusion_steps"]), float(values["guidance"])
        self._open[row] = _Row(self._targets[target], history, joint, steps, guidance, seed)

    def step(self, blocks: Mapping[int, Float32]) -> dict[int, Float32]:
        seen = {row: self._open[row].history.window(block) for row, block in blocks.items()}
        used = (windows.HISTORY - windows.CONTEXT) * windows.CONTENT_UNIT_SAMPLES
        audible = [row for row, window in seen.items() if np.sqrt(np.mean(window[used:] ** 2)) > SILENCE]
        with torch.inference_mode():
            stretches = self._convert(audible, np.stack([seen[row] for row in audible])) if audible else {}
        silence = np.zeros((windows.BLOCK + windows.FADE + windows.SEARCH) * self._unit_samples, np.float32)
        return {row: self._open[row].joint.join(stretches.get(row, silence)) for row in blocks}

    def close(self, row: int) -> None:
        self._open.pop(row, None)

    def _convert(self, rows: list[int], seen: Float32) -> dict[int, Float32]:
        """Takes [rows, WINDOW units]; returns the stretch of each row that is to be joined."""
        weights = self._weights
        content = content_of(weights, torch.from_numpy(seen))[:, windows.HISTORY - windows.CONTEXT :]
        units = windows.WINDOW - (windows.HISTORY - windows.CONTEXT)
        frames = torch.full((len(rows),), units * self._unit_samples // weights.mel.hop_samples, device=weights.device)
        conditions = weights.regulator(content, ylens=frames, n_quantizers=3, f0=None)[0]
        mels = torch.cat(
            [self._mel(self._open[row], condition) for row, condition in zip(rows, conditions, strict=True)]
        )
        with torch.random.fork_rng(devices=self._cuda_devices()):
            torch.manual_seed(self._open[rows[0]].seed)  # the vocoder's noise
            waves = weights.vocoder(mels).reshape(len(rows), -1)
        right = windows.RIGHT * self._unit_samples
        length = (windows.BLOCK + windows.FADE + windows.SEARCH) * self._unit_samples
        stretches = waves[:, -length - right : -right].float().cpu().numpy()
        return dict(zip(rows, stretches, strict=True))

    def _mel(self, row: _Row, condition: torch.Tensor) -> torch.Tensor:
        """Takes [frames, channels]; returns [1, bands, frames] in the target's voice."""
        target = row.target
        whole = torch.cat([target.condition, condition[None]], dim=1)
        with torch.random.fork_rng(devices=self._cuda_devices()):
            torch.manual_seed(row.seed + row.number)
            row.number += 1
            mel: torch.Tensor = self._weights.flow.inference(
                whole,
                torch.tensor([whole.size(1)], device=whole.device),
                target.mel,
                target.style,
                None,
                n_timesteps=row.steps,
                inference_cfg_rate=row.guidance,
            )
        return mel[:, :, target.mel.size(2) :]

    def _cuda_devices(self) -> list[torch.device]:
        return [self._weights.device] if self._weights.device.type == "cuda" else []
