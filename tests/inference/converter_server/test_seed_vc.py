"""Seed-VC through its real code, at a size for tests: random weights make noise of it, but in the right place."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.errors import EngineUnavailable, OptionError, TargetUnavailable
from inference.converter_server.seed_vc import SeedVcNetwork, windows
from inference.converter_server.seed_vc.tiny import make
from inference.converter_server.seed_vc.windows import fbank
from tests.inference.converter_server.running import connected, running_server
from tests.signals import vowel

pytestmark = pytest.mark.slow

TARGET, OTHER = "a" * 64, "b" * 64
QUICK = {"diffusion_steps": 1, "guidance": 0.7}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seed-vc")
    make(folder)
    return folder


@pytest.fixture(scope="module")
def network(folder: Path) -> SeedVcNetwork:
    network = SeedVcNetwork(folder, rows=2)
    network.enrol(TARGET, speech(4.0, 110.0))
    network.enrol(OTHER, speech(2.0, 220.0))
    return network


def speech(seconds: float, f0_hz: float) -> Float32:
    return (0.3 * vowel(f0_hz, seconds)).astype(np.float32)


def blocks(network: SeedVcNetwork, count: int, f0_hz: float = 150.0) -> list[Float32]:
    rng = np.random.default_rng(int(f0_hz))
    return list(rng.normal(0, 0.1, (count, network.block_samples)).astype(np.float32))


def run(network: SeedVcNetwork, row: int, heard: list[Float32], target: str = TARGET, seed: int = 1) -> Float32:
    network.open(row, target, QUICK, seed)
    converted = [network.step({row: block})[row] for block in heard]
    network.close(row)
    return np.concatenate(converted)


def test_conversion_returns_a_block_for_a_block_that_depends_on_voice_target_and_seed(network: SeedVcNetwork) -> None:
    heard = blocks(network, 3)
    converted = run(network, 0, heard)
    assert converted.shape == (3 * network.block_samples,)
    assert np.isfinite(converted).all()
    assert converted.any()
    assert np.array_equal(run(network, 0, heard), converted)
    assert not np.array_equal(run(network, 0, blocks(network, 3, 99.0)), converted)
    assert not np.array_equal(run(network, 0, heard, target=OTHER), converted)
    assert not np.array_equal(run(network, 0, heard, seed=2), converted)


def test_silence_stays_silence(network: SeedVcNetwork) -> None:
    assert not run(network, 0, [np.zeros(network.block_samples, np.float32)] * 3).any()


def test_talkers_of_a_batch_do_not_mix(network: SeedVcNetwork) -> None:
    mine, theirs = blocks(network, 3, 120.0), blocks(network, 3, 240.0)
    alone = run(network, 1, theirs, target=OTHER, seed=1)
    network.open(0, TARGET, QUICK, 1)
    network.open(1, OTHER, QUICK, 1)
    together = [network.step({0: first, 1: second}) for first, second in zip(mine, theirs, strict=True)]
    network.close(0)
    network.close(1)
    crowded = np.concatenate([step[1] for step in together])
    assert np.corrcoef(crowded, alone)[0, 1] > 0.9  # the vocoder's noise differs, nothing else


@pytest.mark.parametrize(
    ("reference", "why"),
    [(np.zeros(48_000, np.float32), "silent"), (np.ones(1_000, np.float32), "shorter than 1 s")],
)
def test_reference_that_is_no_speech_is_refused(network: SeedVcNetwork, reference: Float32, why: str) -> None:
    with pytest.raises(TargetUnavailable, match=why):
        network.enrol("c" * 64, reference)


@pytest.mark.parametrize(
    "parameters", [{"diffusion_steps": 0}, {"diffusion_steps": 2.5}, {"guidance": -1}, {"guidance": True}, {"pitch": 1}]
)
def test_parameter_out_of_range_is_refused(network: SeedVcNetwork, parameters: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=next(iter(parameters))):
        network.open(0, TARGET, parameters, 0)


def test_served_stream_keeps_its_promised_delay(folder: Path) -> None:
    with running_server(partial(SeedVcNetwork, folder)) as server, connected(server.address) as converter:
        converter.enrol(TARGET, speech(3.0, 110.0))
        stream = converter.open(QUICK, target=TARGET, seed=1)
        sound = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE_HZ * 12 // 10).astype(np.float32)
        padded = np.concatenate([np.zeros(SAMPLE_RATE_HZ, np.float32), sound, np.zeros(2 * SAMPLE_RATE_HZ, np.float32)])
        padded = padded[: len(padded) // FRAME_SAMPLES * FRAME_SAMPLES]
        got = np.concatenate([stream.push(part) for part in padded.reshape(-1, FRAME_SAMPLES)])
        assert stream.missed_samples == 0
    loud = np.flatnonzero(np.abs(got) > 0)
    early = (loud[0] - stream.latency_samples - SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    assert -0.7 < early < 0.3  # sound begins with the block that holds its first sample, and with the context's gate


def test_missing_speaker_model_refuses(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        if file.name != "campplus.bin":
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(EngineUnavailable, match=r"campplus\.bin"):
        SeedVcNetwork(tmp_path)


def test_half_a_checkpoint_refuses(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        if file.name != "model.pth":
            (tmp_path / file.name).symlink_to(file)
    state = torch.load(folder / "model.pth", weights_only=True)
    state["net"]["cfm"].popitem()
    torch.save(state, tmp_path / "model.pth")
    with pytest.raises(EngineUnavailable, match="lacks 1 weights"):
        SeedVcNetwork(tmp_path)


def test_filter_banks_have_kaldis_shape() -> None:
    assert fbank(speech(1.0, 120.0)[:16_000]).shape == (1, 98, 80)


def test_joint_of_a_continued_stretch_is_the_stretch() -> None:
    """A sine cut into overlapping stretches, each shifted a little: joined, it is a sine again."""
    unit = 441
    wave = np.sin(2 * np.pi * 150 * np.arange(60 * unit) / 22_050).astype(np.float32)
    joint, joined = windows.Joint(unit), []
    for number in range(3):
        start = number * windows.BLOCK * unit
        joined.append(joint.join(wave[start : start + (windows.BLOCK + windows.FADE + windows.SEARCH) * unit]))
    whole = np.concatenate(joined)[windows.FADE * unit :]
    steps = np.abs(np.diff(whole))
    assert steps.max() <= np.abs(np.diff(wave)).max() * 1.05  # no click
