"""Against a server that keeps to the protocol, and breaks it when told to."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
import structlog.testing

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import EngineUnavailable, OptionError, RemoteLost
from inference.engines.base import SlotConfig
from inference.engines.moshi_server.engine import MoshiServerEngine
from tests.chat_server import ChatServer, Visit, self_signed
from tests.inference.engines.remote.driving import (
    SILENT_FRAME,
    events,
    failure,
    framed,
    sound,
    sounding,
    step_until,
)
from tests.signals import measured_f0_hz, noise, vowel

NOWHERE = "ws://127.0.0.1:9"


@contextmanager
def engine_for(*urls: str, **settings: str) -> Iterator[MoshiServerEngine]:
    engine = MoshiServerEngine(None, {"MOSHI_SERVER_URLS": " ".join(urls), **settings})
    try:
        yield engine
    finally:
        engine.shut_down()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture
def engine(server: ChatServer) -> Iterator[MoshiServerEngine]:
    with engine_for(server.url) as engine:
        yield engine


def begun(engine: MoshiServerEngine, server: ChatServer, slot: int = 0, config: SlotConfig | None = None) -> Visit:
    """Opens the slot; the server listens."""
    engine.open(slot, config or SlotConfig())
    visit = server.visit()
    assert visit.begun.wait(20)
    return visit


def voiced(pcm: Float32, level: float = 0.05) -> Float32:
    loud = np.flatnonzero(np.abs(pcm) > level)
    return pcm[loud[0] : loud[-1] + 1]


def test_speech_goes_there_and_back(engine: MoshiServerEngine, server: ChatServer) -> None:
    visit = begun(engine, server)
    step_until(engine, lambda _: not visit.heard.empty())
    outputs = step_until(engine, lambda outputs: sounding(outputs) >= 20, framed(vowel(140.0, 1.6)))
    assert measured_f0_hz(voiced(sound(outputs))) == pytest.approx(140.0, rel=0.01)
    assert engine.failed == {}
    engine.close(0)
    assert visit.ended.wait(20)


def test_nothing_is_sent_before_the_handshake(engine: MoshiServerEngine, server: ChatServer) -> None:
    """What was said meanwhile is not replayed either."""
    server.listening.clear()
    engine.open(0, SlotConfig())
    visit = server.visit()
    for frame in framed(vowel(140.0, 2.0)):
        assert not engine.step({0: frame})[0].pcm.any()
    server.listening.set()
    assert visit.begun.wait(20)
    step_until(engine, lambda _: visit.heard.qsize() >= 5)
    heard = np.concatenate([visit.heard.get() for _ in range(5)])
    assert visit.too_early == 0
    assert np.abs(heard).max() < 0.01
    assert engine.failed == {}


def test_busy_server_fails_its_slot_with_the_reason(server: ChatServer) -> None:
    server.listening.clear()
    with engine_for(server.url, MOSHI_SERVER_HANDSHAKE_SEC="0.2") as engine:
        engine.open(0, SlotConfig())
        error = failure(engine)
    assert isinstance(error, RemoteLost)
    assert error.address == server.url
    assert error.reason.startswith("busy: it accepted the call but did not begin within 0.2 s")


def test_next_take_waits_until_the_one_before_has_left(engine: MoshiServerEngine, server: ChatServer) -> None:
    first = begun(engine, server)
    engine.close(0)
    second = begun(engine, server)
    assert first.ended.is_set()
    step_until(engine, lambda _: not second.heard.empty())
    assert engine.failed == {}


def test_two_servers_two_people() -> None:
    with ChatServer() as left, ChatServer() as right, engine_for(left.url, right.url) as engine:
        assert engine.slots == 2
        visits = begun(engine, left, 0), begun(engine, right, 1)
        low, high = framed(vowel(110.0, 2.0)), framed(vowel(220.0, 2.0))
        outputs = [engine.step({0: low[step], 1: high[step]}) for step in range(len(low))]
        heard = [sounding([output[slot] for output in outputs]) for slot in (0, 1)]
        for _ in range(3_000):
            if min(heard) >= 20:
                break
            outputs.append(engine.step({0: SILENT_FRAME, 1: SILENT_FRAME}))
            heard = [count + sounding([outputs[-1][slot]]) for slot, count in enumerate(heard)]
            visits[0].ended.wait(0.004)
        said = [voiced(sound([output[slot] for output in outputs])) for slot in (0, 1)]
    assert [round(measured_f0_hz(pcm) / 110) for pcm in said] == [1, 2]


def test_one_server_for_two_people() -> None:
    with ChatServer(slots=2) as server, engine_for(f"{server.url};slots=2") as engine:
        begun(engine, server, 0)
        begun(engine, server, 1)
        assert engine.slots == 2


def test_death_in_mid_talk_ends_that_slot_alone() -> None:
    with ChatServer() as left, ChatServer() as right, engine_for(left.url, right.url) as engine:
        dying, living = begun(engine, left, 0), begun(engine, right, 1)
        dying.break_off()
        error = failure(engine, slot=0)
        assert isinstance(error, RemoteLost)
        assert (error.address, error.reason) == (left.url, "the connection broke")
        outputs = step_until(engine, lambda outputs: sounding(outputs) >= 3, framed(vowel(140.0, 1.0)), slot=1)
        assert outputs
        assert not living.ended.is_set()
        assert engine.failed == {}


def test_silent_server_is_dead() -> None:
    """The socket is open, and nothing comes."""
    with ChatServer(answers=False) as server, engine_for(server.url, MOSHI_SERVER_SILENT_SEC="0.2") as engine:
        begun(engine, server)
        error = failure(engine)
        assert isinstance(error, RemoteLost)
        assert error.reason == "it has not answered for 0.2 s"


def test_patience_counts_only_what_was_said() -> None:
    """A participant who is away says nothing, so there is nothing to answer."""
    with ChatServer(answers=False) as server, engine_for(server.url, MOSHI_SERVER_SILENT_SEC="0.2") as engine:
        visit = begun(engine, server)
        assert not visit.ended.wait(0.5)
        engine.step({0: SILENT_FRAME})
        assert engine.failed == {}


def test_garbage_is_passed_over(engine: MoshiServerEngine, server: ChatServer) -> None:
    visit = begun(engine, server)
    for garbage in (
        b"\x01not Ogg at all",
        b"\x01",
        b"\x02\xff\xfe",
        b"\x03\x07",
        b"\x04{",
        b"\x06",
        b"\x7fwhat",
        b"",
        "hi",
    ):
        visit.send(garbage)
    outputs = step_until(engine, lambda outputs: sounding(outputs) >= 5, framed(vowel(140.0, 1.0)))
    assert outputs
    assert engine.failed == {}


def test_garbage_alone_ends_the_slot(engine: MoshiServerEngine, server: ChatServer) -> None:
    visit = begun(engine, server)
    for _ in range(25):
        visit.send(b"\x01" + 8 * b"no Ogg page")
    error = failure(engine)
    assert isinstance(error, RemoteLost)
    assert error.reason == "it sends sound that cannot be decoded"


def test_message_without_end_ends_the_slot(engine: MoshiServerEngine, server: ChatServer) -> None:
    visit = begun(engine, server)
    visit.send(b"\x01" + bytes(17 * 1024 * 1024))
    assert isinstance(failure(engine), RemoteLost)


def test_error_of_the_server_ends_the_slot(engine: MoshiServerEngine, server: ChatServer) -> None:
    visit = begun(engine, server)
    visit.send(b"\x05" + json.dumps({"code": "engine_failed", "message": "what Anna said"}).encode())
    error = failure(engine)
    assert isinstance(error, RemoteLost)
    assert error.reason == "it reports an error (engine_failed)"


def test_goodbye_of_the_server_ends_the_slot(engine: MoshiServerEngine, server: ChatServer) -> None:
    visit = begun(engine, server)
    visit.connection.close()
    error = failure(engine)
    assert isinstance(error, RemoteLost)
    assert error.reason == "it ended the conversation"


def test_words_and_turns(engine: MoshiServerEngine, server: ChatServer) -> None:
    visit = begun(engine, server)
    pcm = framed(noise(4.0))
    for step, piece in enumerate([" good", None, " mor", "ning", *[None] * 20]):
        visit.say(pcm[step])
        if piece:
            visit.send(b"\x02" + piece.encode())
    outputs = step_until(engine, lambda outputs: bool(events(outputs, "transcript")))
    told = [event for output in outputs for event in output.events]
    begin = next(step for step, output in enumerate(outputs) if output.pcm.any()) * 80.0
    words = events(outputs, "words")
    assert [(word["text"], word["start_ms"] - begin, word["end_ms"] - begin) for word in words] == [
        ("good", 0, 80),
        ("morning", 160, 320),
    ]
    (transcript,) = events(outputs, "transcript")
    assert (transcript["role"], transcript["text"], transcript["turn"]) == ("agent", "good morning", 1)
    assert [event["state"] for event in events(outputs, "turn")] == ["speaking", "listening"]
    assert {event.event for event in told} == {"words", "turn", "transcript"}


def test_rust_server_introduces_itself() -> None:
    about = {"lm_model_file": "moshiko.safetensors", "text_temperature": 0.7}
    preface = b"\x04" + json.dumps(about).encode()
    with (
        ChatServer(preface=preface, handshake=bytes(9)) as server,
        engine_for(f"rust+{server.url}") as engine,
    ):
        visit = begun(engine, server, config=SlotConfig(seed=3, options={"text_temperature": 0.7}))
        assert visit.query == {"audio_seed": "3", "text_seed": "3", "text_temperature": "0.7"}
        outputs = step_until(engine, lambda outputs: bool(events(outputs, "server")))
        assert events(outputs, "server") == [{"about": about}]


def test_personaplex_gets_its_prompts() -> None:
    with ChatServer() as server, engine_for(f"personaplex+{server.url}") as engine:
        visit = begun(engine, server, config=SlotConfig("You are Zoë.", "NATM1.pt", 3))
        assert visit.query == {"text_prompt": "You are Zoë.", "voice_prompt": "NATM1.pt", "seed": "3"}


def test_personaplex_without_that_voice() -> None:
    with ChatServer() as server, engine_for(f"personaplex+{server.url}") as engine:
        server.listening.clear()
        engine.open(0, SlotConfig(voice_prompt="NOBODY.pt"))
        server.visit().break_off()
        error = failure(engine)
        assert isinstance(error, RemoteLost)
        assert error.reason == "it hung up before it began; does it have that voice?"


def test_check_what_one_of_the_servers_does_not_take() -> None:
    with engine_for(f"rust+{NOWHERE}", "ws://127.0.0.1:10") as engine, pytest.raises(OptionError):
        engine.check(SlotConfig(options={"temperature": 0.5}))


def test_server_of_another_kind() -> None:
    with (
        ChatServer(handshake=b'{"hello": 1}') as server,
        engine_for(server.url) as engine,
        pytest.raises(EngineUnavailable, match="it is no Moshi server"),
    ):
        engine.warm_up()


def test_warm_up_unreachable() -> None:
    with (
        engine_for("ws://anna:hunter2@127.0.0.1:9/api/chat?token=hunter3") as engine,
        pytest.raises(EngineUnavailable) as caught,
    ):
        engine.warm_up()
    assert caught.value.reason == "ws://127.0.0.1:9/api/chat: nothing listens there"
    assert "MOSHI_SERVER_URLS" in caught.value.remedy
    assert "hunter" not in str(caught.value)


def test_warm_up_wrong_path(server: ChatServer) -> None:
    with (
        engine_for(server.url.replace("chat", "talk")) as engine,
        pytest.raises(EngineUnavailable, match=r"it has no such path or model \(404\)"),
    ):
        engine.warm_up()


def test_warm_up_busy_is_well(server: ChatServer, engine: MoshiServerEngine) -> None:
    begun(engine, server)
    engine.warm_up()
    assert engine.failed == {}


def test_password_is_sent_and_never_shown(server: ChatServer) -> None:
    url = server.url.replace("ws://", "ws://anna:hunter2@") + "?token=hunter3"
    with structlog.testing.capture_logs() as logged, engine_for(url) as engine:
        engine.warm_up()
        assert server.visit().query == {"token": "hunter3"}
        visit = begun(engine, server)
        assert visit.headers["Authorization"] == "Basic YW5uYTpodW50ZXIy"
        visit.break_off()
        error = failure(engine)
        engine.close(0)
        assert "hunter" not in f"{error}{error.__cause__}{engine.snapshot()}{logged}"
        assert engine.snapshot()["servers"] == [{"address": server.url, "dialect": "python", "slots": 1}]


@pytest.fixture
def own_tls(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    return self_signed(tmp_path, "moshi.example")


def test_own_certificate_is_not_trusted(own_tls: tuple[ssl.SSLContext, str]) -> None:
    with (
        ChatServer(tls=own_tls[0]) as server,
        engine_for(server.url) as engine,
        pytest.raises(EngineUnavailable, match="its certificate is not trusted"),
    ):
        engine.warm_up()


def test_own_certificate_named_in_the_setting(own_tls: tuple[ssl.SSLContext, str]) -> None:
    context, file = own_tls
    with ChatServer(tls=context) as server, engine_for(server.url, MOSHI_SERVER_CERTIFICATE=file) as engine:
        engine.warm_up()
        server.visit()
        begun(engine, server)
        step_until(engine, lambda outputs: sounding(outputs) >= 3, framed(vowel(140.0, 1.0)))


def test_another_certificate_than_the_one_named(own_tls: tuple[ssl.SSLContext, str], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    _, other = self_signed(tmp_path / "other", "moshi.example")
    with (
        ChatServer(tls=own_tls[0]) as server,
        engine_for(server.url, MOSHI_SERVER_CERTIFICATE=other) as engine,
        pytest.raises(EngineUnavailable, match="its certificate is not trusted"),
    ):
        engine.warm_up()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "MOSHI_SERVER_URLS is not set"),
        ({"MOSHI_SERVER_URLS": "moshi.example"}, "MOSHI_SERVER_URLS is not valid"),
        ({"MOSHI_SERVER_URLS": "ws://a ws://a/api/chat"}, "MOSHI_SERVER_URLS is not valid"),
        ({"MOSHI_SERVER_URLS": NOWHERE, "MOSHI_SERVER_CERTIFICATE": "/nowhere.pem"}, "MOSHI_SERVER_CERTIFICATE"),
        ({"MOSHI_SERVER_URLS": NOWHERE, "MOSHI_SERVER_CERTIFICATE": __file__}, "MOSHI_SERVER_CERTIFICATE"),
        ({"MOSHI_SERVER_URLS": NOWHERE, "MOSHI_SERVER_HANDSHAKE_SEC": "soon"}, "MOSHI_SERVER_HANDSHAKE_SEC is 'soon'"),
        ({"MOSHI_SERVER_URLS": NOWHERE, "MOSHI_SERVER_THIRD_PARTY": "maybe"}, "MOSHI_SERVER_THIRD_PARTY is 'maybe'"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        MoshiServerEngine(None, settings)
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("urls", "remedy"),
    [
        ("wss://a:word@a moshi.example", "address 2 should read ws://host:port/path"),
        ("ws://a ws://a/api/chat", "each named once; add ;slots=2 for two takes at once"),
        ("klingon+ws://a", "address 1 has the dialect 'klingon'"),
    ],
)
def test_wrong_address_is_told_by_its_place(urls: str, remedy: str) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        MoshiServerEngine(None, {"MOSHI_SERVER_URLS": urls})
    assert remedy in caught.value.remedy
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("urls", "setting", "third_party"),
    [
        ("ws://127.0.0.1:8998 ws://[::1]:8998 ws://localhost ws://10.1.2.3 ws://gpu1 ws://gpu1.local", "", False),
        ("ws://127.0.0.1:8998 wss://moshi.example", "", True),
        ("wss://8.8.8.8", "", True),
        ("ws://134744072", "", True),
        ("ws://0x8.0x8.0x8.0x8", "", True),
        ("ws://[::ffff:8.8.8.8]", "", True),
        ("ws://[::ffff:127.0.0.1] ws://10.1", "", False),
        ("wss://moshi.example", "no", False),
        ("ws://127.0.0.1:8998", "yes", True),
    ],
)
def test_third_party(urls: str, setting: str, third_party: bool) -> None:
    with engine_for(urls, MOSHI_SERVER_THIRD_PARTY=setting) as engine:
        assert engine.snapshot()["third_party"] is third_party


@pytest.mark.parametrize(("asked", "slots"), [(None, 3), (2, 2), (8, 3)])
def test_slots_are_those_of_the_servers(asked: int | None, slots: int) -> None:
    engine = MoshiServerEngine(asked, {"MOSHI_SERVER_URLS": "ws://127.0.0.1:9;slots=2, ws://127.0.0.1:10"})
    engine.shut_down()
    assert engine.slots == slots


def test_shut_down_hangs_up_everywhere() -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(ChatServer()) for _ in range(3)]
        engine = MoshiServerEngine(None, {"MOSHI_SERVER_URLS": ",".join(server.url for server in servers)})
        visits = [begun(engine, server, slot) for slot, server in enumerate(servers)]
        engine.shut_down()
        assert all(visit.ended.wait(20) for visit in visits)
        engine.shut_down()


def test_open_does_not_wait_for_the_network(server: ChatServer) -> None:
    """Nobody ever answers at this address; the slot's steps go on until the limit."""
    with engine_for("ws://192.0.2.1:8998", MOSHI_SERVER_HANDSHAKE_SEC="0.2") as engine:
        engine.open(0, SlotConfig())
        assert engine.step({0: np.zeros(FRAME_SAMPLES, np.float32)})[0].pcm.shape == (FRAME_SAMPLES,)
        assert isinstance(failure(engine), RemoteLost)
