"""A converter server of the real kind, and the converter that talks with it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, UPLINK_SAMPLES, Float32
from inference.contract.errors import EngineUnavailable, OptionError, RemoteLost, TargetUnavailable
from inference.converter_server.network import LocalNetwork, Network
from inference.converter_server.rows import Framing, hold_samples
from inference.converter_server.server import ConverterServer
from inference.voices.remote import converter as converter_module
from inference.voices.remote.converter import RemoteVcSettings
from inference.voices.remote.protocol import CONVERT_PATH, decode_message, encode_message, encode_sound
from inference.voices.transform import Transform
from tests.inference.converter_server.running import connected, hang_up, running_server
from tests.signals import vowel

PARAMETERS = {"f0_ratio": 1.5, "formant_ratio": 1.1}
TARGET = "a" * 64


class Louder(Network):
    """Twice as loud, at 16 kHz, 20 ms later; needs a target. Breaks when it hears what it is told to."""

    sample_rate_hz = 16_000
    block_samples = 1_600
    latency_samples = 320
    needs_target = True
    rows = 2
    parameters = MappingProxyType({"factor": (0.0, 9.0), "fails": (0.0, 1.0)})

    def __init__(self) -> None:
        super().__init__()
        self.targets: dict[str, Float32] = {}
        self.held: dict[int, Float32] = {}
        self.fails: set[int] = set()

    def about(self) -> dict[str, Any]:
        return {"name": "louder"}

    def enrol(self, target: str, reference: Float32) -> None:
        if not reference.any():
            raise TargetUnavailable("it is silent")
        self.targets[target] = reference

    def knows(self, target: str) -> bool:
        return target in self.targets

    def open(self, row: int, target: str, parameters: Mapping[str, Any], seed: int) -> None:
        if "factor" in parameters:
            raise OptionError("factor", parameters["factor"], "none: it is always 2")
        self.held[row] = np.zeros(self.latency_samples, np.float32)
        self.fails.discard(row)
        if parameters.get("fails"):
            self.fails.add(row)

    def step(self, blocks: Mapping[int, Float32]) -> dict[int, Float32]:
        converted = {}
        for row, block in blocks.items():
            joined = np.concatenate([self.held[row], 2 * block])
            converted[row], self.held[row] = joined[: len(block)], joined[len(block) :]
            if row in self.fails:
                self.failed[row] = RuntimeError("no more")
        return converted

    def close(self, row: int) -> None:
        del self.held[row]


@pytest.fixture(scope="module")
def transform_server() -> Iterator[ConverterServer]:
    with running_server(partial(LocalNetwork, "transform")) as server:
        yield server


@pytest.fixture
def louder() -> Iterator[ConverterServer]:
    with running_server(Louder) as server:
        yield server


def speech(seconds: float = 1.5, f0_hz: float = 120.0) -> Float32:
    samples = vowel(f0_hz, seconds)
    return samples[: len(samples) // UPLINK_SAMPLES * UPLINK_SAMPLES]


def run(stream: Any, samples: Float32, chunk: int = FRAME_SAMPLES) -> Float32:
    return np.concatenate([stream.push(samples[at : at + chunk]) for at in range(0, len(samples), chunk)])


@pytest.mark.parametrize("chunk", [UPLINK_SAMPLES, FRAME_SAMPLES])
def test_remote_conversion_is_the_local_one_later(transform_server: ConverterServer, chunk: int) -> None:
    samples = speech(1.92)
    local = Transform().open(PARAMETERS, seed=3)
    expected = run(local, samples)
    with connected(transform_server.address) as converter:
        stream = converter.open(PARAMETERS, seed=3)
        later = stream.latency_samples - local.latency_samples
        got = run(stream, np.concatenate([samples, np.zeros(later + FRAME_SAMPLES, np.float32)]), chunk)
        assert stream.missed_samples == 0
    assert not got[:later].any()
    assert np.array_equal(got[later : later + len(samples)], expected)


def test_many_talkers_are_stepped_together_and_stay_apart(transform_server: ConverterServer) -> None:
    voices = [speech(0.96, f0_hz) for f0_hz in (90.0, 140.0, 210.0)]
    alone = [run(Transform().open(PARAMETERS), voice) for voice in voices]
    with connected(transform_server.address) as converter:
        streams = [converter.open(PARAMETERS) for _ in voices]
        later = streams[0].latency_samples - Transform().open(PARAMETERS).latency_samples
        padded = [np.concatenate([voice, np.zeros(12 * FRAME_SAMPLES, np.float32)]) for voice in voices]
        got: list[list[Float32]] = [[], [], []]
        for at in range(0, len(padded[0]), FRAME_SAMPLES):
            for number, stream in enumerate(streams):
                got[number].append(stream.push(padded[number][at : at + FRAME_SAMPLES]))
    for expected, parts in zip(alone, got, strict=True):
        assert np.array_equal(np.concatenate(parts)[later : later + len(expected)], expected)


def test_reset_stream_equals_fresh_one(transform_server: ConverterServer) -> None:
    samples = speech(0.96)
    with connected(transform_server.address) as converter:
        stream = converter.open(PARAMETERS)
        fresh = run(stream, samples)
        stream.reset()
        assert np.array_equal(run(stream, samples), fresh)


def test_server_of_another_rate_keeps_every_sample_in_its_place(louder: ConverterServer) -> None:
    samples = 0.2 * speech(1.92)
    with connected(louder.address) as converter:
        converter.enrol(TARGET, speech())
        stream = converter.open({}, target=TARGET)
        latency = stream.latency_samples
        got = run(stream, np.concatenate([samples, np.zeros(latency + FRAME_SAMPLES, np.float32)]))
        assert stream.missed_samples == 0
    expected, heard = 2 * samples, got[latency : latency + len(samples)]
    # through 16 kHz and back: what lies below 7 kHz is the same, in the same place
    middle = slice(SAMPLE_RATE_HZ // 10, len(samples) - SAMPLE_RATE_HZ // 10)
    residue = np.sqrt(np.mean((heard - expected)[middle] ** 2)) / np.sqrt(np.mean(expected[middle] ** 2))
    assert 20 * np.log10(residue) < -30


def test_target_that_the_server_forgot_is_taught_again(louder: ConverterServer) -> None:
    with connected(louder.address) as converter:
        converter.enrol(TARGET, speech())
        network = louder.rows.network
        assert isinstance(network, Louder)
        taught = network.targets.pop(TARGET)
        run(converter.open({}, target=TARGET), speech(0.96))
        assert np.array_equal(network.targets[TARGET], taught)


def test_only_targets_used_lately_are_held_for_that(louder: ConverterServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter_module, "MOST_REFERENCES", 2)
    with connected(louder.address) as converter:
        network = louder.rows.network
        assert isinstance(network, Louder)
        for target in ("a" * 64, "b" * 64):
            converter.enrol(target, speech())
        run(converter.open({}, target="a" * 64), speech(0.96))  # the last used of the two
        converter.enrol("c" * 64, speech())
        network.targets.clear()
        run(converter.open({}, target="a" * 64), speech(0.96))
        assert list(network.targets) == ["a" * 64]
        assert list(converter._references) == ["c" * 64, "a" * 64]


def test_target_that_the_server_refuses_says_why(louder: ConverterServer) -> None:
    with connected(louder.address) as converter, pytest.raises(TargetUnavailable, match="it is silent"):
        converter.enrol(TARGET, np.zeros(SAMPLE_RATE_HZ, np.float32))


def test_converter_without_its_target_refuses(louder: ConverterServer) -> None:
    with connected(louder.address) as converter, pytest.raises(OptionError, match="needs one"):
        converter.open({})


def test_unknown_parameter_ends_the_stream_with_the_servers_words(louder: ConverterServer) -> None:
    with connected(louder.address) as converter:
        converter.enrol(TARGET, speech())
        stream = converter.open({"factor": 3.0}, target=TARGET)
        with pytest.raises(OptionError, match="always 2"):
            run(stream, speech(1.92))


@pytest.mark.parametrize("parameters", [{"pitch": 1.0}, {"factor": 10.0}, {"factor": float("nan")}, {"factor": "2"}])
def test_parameter_that_the_server_does_not_declare_is_refused(
    louder: ConverterServer, parameters: dict[str, Any]
) -> None:
    with connected(louder.address) as converter, pytest.raises(OptionError, match=next(iter(parameters))):
        converter.check(parameters)


def test_failed_row_ends_its_stream_alone(louder: ConverterServer) -> None:
    samples = speech(1.92)
    with connected(louder.address) as converter:
        converter.enrol(TARGET, speech())
        bad = converter.open({"fails": 1.0}, target=TARGET)
        with pytest.raises(RemoteLost, match="because of a fault"):
            run(bad, samples)
        good = converter.open({}, target=TARGET)
        assert run(good, samples).any()


def test_stream_that_cannot_even_be_told_leaves_the_others(louder: ConverterServer) -> None:
    """Its listener is gone when its row fails: another stream goes on."""

    rows, heard, failed = louder.rows, queue.Queue[Float32](), threading.Event()

    def told(error: Exception) -> None:
        failed.set()
        raise RuntimeError("the event loop is closed") from error

    def nothing(*_: object) -> None: ...

    rows.enrol(TARGET, vowel(140.0, 0.5)).result(10)
    broken = rows.open(TARGET, {"fails": 1.0}, 0, nothing, told).result(10)
    rows.say(broken, np.ones(2 * FRAME_SAMPLES, np.float32))
    assert failed.wait(10)
    rows.close(broken).result(10)
    other = rows.open(TARGET, {}, 0, lambda sound, _late: heard.put(sound), told).result(10)
    rows.say(other, np.full(4 * FRAME_SAMPLES, 0.1, np.float32))
    assert len(heard.get(timeout=10))


def test_late_sound_is_silence_and_never_the_own_voice(louder: ConverterServer) -> None:
    samples = speech(1.92)
    with connected(louder.address, patience_sec=0.0) as converter:
        converter.enrol(TARGET, speech())
        stream = converter.open({}, target=TARGET)
        got = run(stream, samples)  # all at once: nothing can be back in time
        assert not got.any()
        assert stream.missed_samples >= len(samples) - stream.latency_samples > 0


def test_server_that_stops_in_mid_talk_ends_the_stream() -> None:
    with running_server(Louder) as server, connected(server.address) as converter:
        converter.enrol(TARGET, speech())
        stream = converter.open({}, target=TARGET)
        run(stream, speech(0.96))
        hang_up(server)
        with pytest.raises(RemoteLost, match="connection"):
            run(stream, speech(1.92))


def test_places_are_limited_and_given_back(louder: ConverterServer) -> None:
    with connected(louder.address) as converter:
        converter.enrol(TARGET, speech())
        streams = [converter.open({}, target=TARGET) for _ in range(2)]
        for stream in streams:
            run(stream, speech(0.96))
        with pytest.raises(RemoteLost, match="all 2 places"):
            run(converter.open({}, target=TARGET), speech(1.92))
        streams[0].close()
        run(streams[1], speech(0.96))


@pytest.mark.parametrize(
    ("url", "said", "third_party"),
    [
        ("ws://127.0.0.1:8800", "", False),
        ("ws://127.0.0.1:8800", "Yes", True),
        ("wss://voices.example", "", True),
        ("wss://voices.example", "no", False),
        ("ws://[::ffff:8.8.8.8]:8800", "", True),
    ],
)
def test_it_is_known_whose_server_hears_the_voices(url: str, said: str, third_party: bool) -> None:
    own = RemoteVcSettings.read({"REMOTE_VC_URL": url, "REMOTE_VC_THIRD_PARTY": said})
    assert own.is_third_party is third_party


@pytest.mark.parametrize(("said", "third_party"), [("", False), ("yes", True)])
def test_converter_says_where_it_sends_the_voice(louder: ConverterServer, said: str, third_party: bool) -> None:
    with connected(louder.address, {"REMOTE_VC_THIRD_PARTY": said}) as converter:
        assert converter.snapshot({})["third_party"] is third_party


def test_key_is_asked_for() -> None:
    with running_server(Louder, key="of the tests") as server:
        with pytest.raises(EngineUnavailable, match="401"), connected(server.address):
            pass
        with connected(server.address, {"REMOTE_VC_KEY": "of the tests"}) as converter:
            converter.enrol(TARGET, speech())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"REMOTE_VC_URL": "http://example.org"},
        {"REMOTE_VC_URL": "ws://127.0.0.1:9", "REMOTE_VC_DIALECT": "klingon"},
        {"REMOTE_VC_URL": "ws://127.0.0.1:9", "REMOTE_VC_MARGIN_MS": "-1"},
        {"REMOTE_VC_URL": "ws://127.0.0.1:9", "REMOTE_VC_CERTIFICATE": "/nowhere"},
        {"REMOTE_VC_URL": "ws://127.0.0.1:9"},  # nobody there
    ],
)
def test_wrong_settings_say_what_to_do(settings: dict[str, str]) -> None:
    url = settings.pop("REMOTE_VC_URL", "")
    with pytest.raises(EngineUnavailable, match=r"REMOTE_VC|Start the converter server"), connected(url, settings):
        pass


@pytest.mark.parametrize(
    "messages",
    [
        [b"\0\0\0\0"],
        ["not JSON"],
        ["[]"],
        [encode_message("open", protocol=2, target="", parameters={}, seed=0)],
        [encode_message("open", protocol=1, target="", parameters={}, seed=0)],
        [encode_message("open", protocol=1, target=7, parameters={}, seed=0)],
        [encode_message("enrol", target="a", samples=0)],
        [encode_message("enrol", target="a", samples=10**9)],
        [encode_message("enrol", target="a", samples=2), encode_sound(np.ones(3, np.float32))],
        [encode_message("enrol", target="a", samples=2), b"\0\0\0"],
        [encode_message("enrol", target="a", samples=1), encode_sound(np.full(1, np.nan, np.float32))],
    ],
)
def test_malformed_message_is_answered_and_closed(louder: ConverterServer, messages: list[str | bytes]) -> None:
    with connect(louder.address + CONVERT_PATH) as socket:
        for message in messages:
            socket.send(message)
        kind, fields = decode_message(str(socket.recv(10)))
        assert kind == "error"
        assert fields["message"]
        with pytest.raises(ConnectionClosed):
            socket.recv(10)


@pytest.mark.parametrize(
    ("rate_hz", "block_samples"), [(16_000, 3_200), (22_050, 4_410), (24_000, 1_920), (48_000, 960)]
)
def test_framing_loses_no_sample(rate_hz: int, block_samples: int) -> None:
    framing = Framing(rate_hz, block_samples)
    samples = speech(3.0, 150.0)
    back = np.concatenate(
        [
            framing.release(block)
            for at in range(0, len(samples), UPLINK_SAMPLES)
            for block in framing.gather(samples[at : at + UPLINK_SAMPLES])
        ]
    )
    held = len(samples) - len(back)
    assert 0 <= held <= hold_samples(rate_hz, block_samples, 0)
    middle = slice(2_400, len(back) - 2_400)
    error = (back[middle] - samples[: len(back)][middle]).std() / samples.std()
    assert 20 * np.log10(max(error, 1e-12)) < -30
