"""Which secrets go where, what a server is told to have left out, and servers that never begin."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from inference.terminal import chat
from inference.terminal.__main__ import run
from inference.terminal.address import _secret, is_loopback, open_link, read_arguments
from inference.terminal.dialing import TalkProblem, Unused
from inference.terminal.sound import Recording, Sinks
from inference.terminal.talking import Screen, Talk
from tests.chat_server import ChatServer
from tests.inference.running import SECRET, running_worker
from tests.inference.terminal.terminal import write_question

OTHERS = "another-worker's-secret-of-32-signs"


@pytest.fixture
def secrets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has workers of its own, and nothing is named in the environment."""
    (tmp_path / "secrets.json").write_text(json.dumps({"worker_secret": OTHERS}))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("WORKER_SECRET", raising=False)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("10.0.0.7", False),
        ("gpu.example", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("::ffff:10.0.0.7", False),
        ("", False),
    ],
)
@pytest.mark.usefixtures("secrets_file")
def test_secret_of_this_machine_goes_to_no_other(host: str, own: bool) -> None:
    assert is_loopback(host) == own
    assert _secret(host) == (OTHERS if own else "")


@pytest.mark.usefixtures("secrets_file")
def test_secret_that_is_named_goes_to_any_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_SECRET", SECRET)
    assert {_secret(host) for host in ("127.0.0.1", "gpu.example")} == {SECRET}


@pytest.mark.usefixtures("secrets_file")
async def test_worker_with_another_secret_is_talked_with_by_its_open_door(tmp_path: Path) -> None:
    async with running_worker(chat="open") as worker:
        notes = await notes_of(worker.address, tmp_path)
    assert notes == [
        "You can talk. Ctrl-C ends the conversation.",
        "You can talk with echo. Ctrl-C ends the conversation.",
    ]


@pytest.mark.usefixtures("secrets_file")
async def test_own_worker_says_what_it_does_not_use(tmp_path: Path) -> None:
    async with running_worker(chat="open") as worker:
        notes = await notes_of(f"{worker.address}/api/chat", tmp_path, "--temperature", "0.5")
    assert notes[-1] == "The server does not use audio_temperature."


async def test_what_a_strange_server_may_leave_out_is_said(tmp_path: Path) -> None:
    with ChatServer() as server:
        notes = await notes_of(server.url, tmp_path, "--seed", "7", "--top-k", "50")
    assert notes[0] == "The server does not say whether it uses --seed, --top-k."


async def test_server_that_never_begins_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "NO_HANDSHAKE_SEC", 0.1)
    monkeypatch.setattr(chat, "BUSY_SEC", 0.2)
    with ChatServer() as server:
        server.listening.clear()
        with pytest.raises(TalkProblem) as raised:
            await run(read_arguments([server.url, "--in", str(write_question(tmp_path))]), asyncio.Event())
        server.listening.set()
    assert (raised.value.status, str(raised.value)) == (TalkProblem.REFUSED, chat.NEVER_BEGAN)


def test_notes_name_what_is_left_out() -> None:
    notes = io.StringIO()
    Screen(io.StringIO(), notes).show(Unused(("--seed",), certain=True))
    assert notes.getvalue() == "The server does not use --seed.\n"


async def notes_of(url: str, folder: Path, *arguments: str) -> list[str]:
    """What a whole talk notes, in this process; it must end with 1000."""
    question = write_question(folder)
    link = await open_link(read_arguments([url, "--in", str(question), *arguments]))
    notes = io.StringIO()
    screen = Screen(io.StringIO(), notes)
    await Talk(link, Recording(question, 0.4, in_real_time=False), Sinks(), screen, paced=False).run(asyncio.Event())
    assert link._socket.close_code == 1000  # type: ignore[attr-defined]
    return notes.getvalue().splitlines()
