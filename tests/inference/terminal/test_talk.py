"""The terminal client against inference workers and a stock Moshi server, each really running."""

from __future__ import annotations

import io
import signal
from pathlib import Path

import pytest

from inference.contract.audio import FRAME_SAMPLES
from inference.contract.tokens import SLOT, SlotRequest, sign
from inference.contract.wire import Metadata
from inference.terminal.address import read_arguments
from inference.terminal.slot import event_of
from inference.terminal.sound import read_audio
from inference.terminal.talking import Screen
from inference.worker.takes import ENDINGS
from tests.inference.running import SECRET, FaultyEngine, next_event, open_take, running_worker
from tests.inference.terminal.terminal import likeness, problem, read_answer, start, talk, write_question
from tests.ports import free_port

CODEC_DELAY_SAMPLES = 155
FAST = ("--fast", "--after", "0.8")


async def test_talk_with_a_worker_by_its_secret(tmp_path: Path) -> None:
    question, answer = write_question(tmp_path), tmp_path / "answer.wav"
    async with running_worker() as worker:
        over = await talk(
            worker.address, "--in", question, "--out", answer, "--text-prompt", "one two", *FAST, secret=SECRET
        )
    assert (over.status, over.words) == (0, "one two\n")
    assert over.notes.splitlines() == ["You can talk with echo. Ctrl-C ends the conversation.", "(you: one two)"]
    heard = read_answer(answer)
    assert len(heard) == 20 * FRAME_SAMPLES
    assert likeness(heard, read_audio(question), FRAME_SAMPLES) > 0.999


async def test_talk_over_an_open_door(tmp_path: Path) -> None:
    question, answer = write_question(tmp_path), tmp_path / "answer.wav"
    async with running_worker(chat="open") as worker:
        over = await talk(worker.address, "--in", question, "--out", answer, "--text-prompt", "one two", *FAST)
        assert worker.takes.table.free_slots == worker.takes.table.slots
    assert (over.status, over.words) == (0, "one two\n")
    heard = read_answer(answer)
    assert len(heard) in range(19 * FRAME_SAMPLES, 20 * FRAME_SAMPLES + 1)
    assert likeness(heard, read_audio(question), FRAME_SAMPLES + 2 * CODEC_DELAY_SAMPLES) > 0.9


async def test_token_opens_a_door(tmp_path: Path) -> None:
    question = write_question(tmp_path)
    async with running_worker(chat="token") as worker:
        takes = [SlotRequest(f"take-{number}", "echo") for number in range(2)]
        tokens = [sign(SLOT, take, SECRET, to=worker.address) for take in takes]
        by_slot = await talk(worker.address, "--in", question, *FAST, "--token", tokens[0])
        by_chat = await talk(f"{worker.address}/api/chat", "--in", question, *FAST, "--token", tokens[1])
        stranger = await talk(worker.address, "--in", question, *FAST)
    assert (by_slot.status, by_chat.status) == (0, 0)
    assert (stranger.status, stranger.notes) == (4, "the token is missing; ask for a new one\n")


async def test_voice_is_heard_converted(tmp_path: Path) -> None:
    question, answer = write_question(tmp_path, frames=25), tmp_path / "answer.wav"
    async with running_worker() as worker:
        over = await talk(worker.address, "--in", question, "--out", answer, "--voice", "higher", *FAST, secret=SECRET)
    assert over.status == 0
    assert abs(likeness(read_answer(answer), read_audio(question), FRAME_SAMPLES)) < 0.5


async def test_place_in_the_queue_is_told(tmp_path: Path) -> None:
    question = write_question(tmp_path)
    async with running_worker(slots=1) as worker:
        first = await open_take(worker)
        await next_event(first, "live")
        terminal = await start(worker.address, "--in", question, *FAST, secret=SECRET)
        note = await terminal.note()
        await first.close(end=True)
        over = await terminal.ended()
    assert note == "All places are taken. You are number 1 in the queue ...\n"
    assert over.status == 0


def test_place_in_the_queue_of_a_busy_server_is_told() -> None:
    notes = io.StringIO()
    event = event_of(Metadata("queue", {"position": 2, "reason": "overloaded"}))
    assert event is not None
    Screen(io.StringIO(), notes).show(event)
    assert notes.getvalue() == "The server is too busy for another conversation. You are number 2 in the queue ...\n"


@pytest.mark.parametrize(
    ("sounded", "note"),
    [
        ("laughing, loud", "(it noticed: laughing, loud)\n"),
        ("", "(it noticed: nothing special in your voice)\n"),
    ],
)
def test_what_the_engine_noticed_is_told(sounded: str, note: str) -> None:
    notes = io.StringIO()
    event = event_of(Metadata("noticed", {"turn": 1, "sounded": sounded}))
    assert event is not None
    Screen(io.StringIO(), notes).show(event)
    assert notes.getvalue() == note


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_ends_the_talk_and_keeps_the_answer_so_far(tmp_path: Path, number: signal.Signals) -> None:
    question, answer = write_question(tmp_path), tmp_path / "answer.wav"
    async with running_worker() as worker:
        terminal = await start(worker.address, "--in", question, "--out", answer, "--after", "600", secret=SECRET)
        notes = [await terminal.note(), await terminal.note()]  # live; what it said was understood
        terminal.process.send_signal(number)
        over = await terminal.ended()
        assert worker.takes.table.free_slots == worker.takes.table.slots
    assert notes[1] == "(you: echo)\n"
    assert (over.status, over.notes) == (0, "")
    assert likeness(read_answer(answer), read_audio(question), FRAME_SAMPLES) > 0.999


async def test_ctrl_c_in_the_queue_leaves_it(tmp_path: Path) -> None:
    question = write_question(tmp_path)
    async with running_worker(slots=1) as worker:
        first = await open_take(worker)
        await next_event(first, "live")
        terminal = await start(worker.address, "--in", question, secret=SECRET)
        await terminal.note()
        terminal.process.send_signal(signal.SIGINT)
        over = await terminal.ended()
        assert worker.takes.table.queue == ()
    assert over.status == 0


@pytest.mark.parametrize("door", ["slot", "chat"])
async def test_engine_that_fails_breaks_the_talk_off(tmp_path: Path, door: str) -> None:
    question, answer = write_question(tmp_path), tmp_path / "answer.wav"
    async with running_worker(FaultyEngine, chat="open") as worker:
        secret = SECRET if door == "slot" else ""
        over = await talk(
            worker.address, "--in", question, "--out", answer, "--text-prompt", "fail", *FAST, secret=secret
        )
    assert (over.status, over.notes.splitlines()[-1]) == (1, f"The conversation broke off: {ENDINGS['engine_failed']}")
    assert answer.exists()


@pytest.mark.parametrize("door", ["slot", "chat"])
async def test_what_the_worker_does_not_have_is_refused(tmp_path: Path, door: str) -> None:
    question = write_question(tmp_path)
    async with running_worker(chat="open") as worker:
        secret = SECRET if door == "slot" else ""
        asked = ("--engine", "cascade")
        over = await talk(worker.address, "--in", question, *FAST, *asked, secret=secret)
    assert (over.status, over.notes) == (4, "there is no engine called 'cascade'; known: echo\n")


async def test_refused_and_unknown_hosts_are_told_apart(tmp_path: Path) -> None:
    question, port = ("--in", write_question(tmp_path)), free_port()
    nobody = (3, f"There is no server at 127.0.0.1:{port}. Is it running?")
    assert await problem(f"127.0.0.1:{port}", *question) == nobody
    assert await problem(f"ws://127.0.0.1:{port}/api/chat", *question) == nobody
    assert await problem(f"http://127.0.0.1:{port}/p/token/", *question) == nobody
    unknown = (3, "There is no host called 'no-such-host.invalid'.")
    assert await problem("ws://no-such-host.invalid:8700", *question) == unknown
    for nonsense in ("gopher://127.0.0.1", "http://[::1", "127.0.0.1:99999", "ws://127.0.0.1:port"):
        assert await problem(nonsense, *question) == (4, f"{nonsense} is not the address of a server; see --help.")


async def test_exit_status_and_text_of_a_talk_that_cannot_begin(tmp_path: Path) -> None:
    over = await talk(f"127.0.0.1:{(port := free_port())}", "--in", write_question(tmp_path))
    assert (over.status, over.words) == (3, "")
    assert over.notes == f"There is no server at 127.0.0.1:{port}. Is it running?\n"


async def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    nowhere = tmp_path / "nowhere" / "answer.wav"
    problems = [
        await problem("--in", tmp_path / "missing.wav"),
        await problem("--in", tmp_path / "empty.wav"),
        await problem("--in", write_question(tmp_path), "--out", nowhere),
    ]
    assert [status for status, _ in problems] == [5, 5, 5]
    assert problems[0][1] == f"There is no file {tmp_path / 'missing.wav'}."
    assert problems[2][1] == f"{nowhere} cannot be written: there is no folder {nowhere.parent}."


@pytest.mark.parametrize("command", [["--fast"], ["--voice", "angelic"], ["--after", "-1"], ["--seed", "x"]])
def test_wrong_commands(command: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        read_arguments(command)
    assert exit_.value.code == 2
