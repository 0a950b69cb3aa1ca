"""What servers and files say, on consoles of every kind."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.contract.wire import Kind
from inference.terminal.dialing import Event, Heard, Live, Over, Words
from inference.terminal.printing import printable
from inference.terminal.slot import SlotLink, WebLink
from inference.terminal.sound import read_audio
from inference.terminal.talking import Screen
from tests.inference.terminal.terminal import problem


def shown(*events: Event, encoding: str = "utf-8") -> tuple[str, str]:
    """Words and notes, as a console of that encoding gets them."""
    words, notes = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="") for _ in range(2))
    screen = Screen(words, notes)
    for event in events:
        screen.show(event)
    written: list[str] = [stream.buffer.getvalue().decode(encoding) for stream in (words, notes)]
    return written[0], written[1]


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("\x1b[2J\x1b[1;31mhello\x1b[0m", "hello"),
        ("\x1b]0;title\x07hello", "hello"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;ZXZpbA==\x07", ""),
        ("\x1bP+q544e\x1b\\hello\x1bc", "hello"),
        ("\x9b2Jhello\x9d0;t\x9c", "hello"),
        ("\x1b(0hello\x1b7", "hello"),
        ("one\r\ntwo\tthree", "one  two three"),
        ("a\x08\x07\x00\x7fb", "ab"),
        ("abc\u202edef\u2066", "abcdef"),
        ("half \ud800 of a pair", "half  of a pair"),
        ("så går det, नमस्ते, می\u200cخواهم 👩\u200d🔬", "så går det, नमस्ते, می\u200cخواهم 👩\u200d🔬"),
        ("\x1b", ""),
    ],
)
def test_nothing_is_printed_that_a_terminal_obeys(said: str, printed: str) -> None:
    assert printable(said) == printed


def test_every_event_is_printed_so() -> None:
    evil = "\x1b[2J\x1b]0;title\x07x\n"
    words, notes = shown(Live(evil), Words(evil), Heard(evil))
    assert words == "x \n"
    assert notes == "You can talk with x . Ctrl-C ends the conversation.\n(you: x )\n"


@pytest.mark.parametrize(
    ("encoding", "word"), [("ascii", "sm?rg?s ?"), ("latin-1", "smörgås ?"), ("utf-8", "smörgås ☃")]
)
def test_what_the_console_cannot_show_is_no_end_of_the_talk(encoding: str, word: str) -> None:
    assert shown(Words("smörgås ☃"), Heard("smörgås ☃"), encoding=encoding) == (f"{word}\n", f"(you: {word})\n")


class Says:
    """A socket that says these things, and then nothing."""

    def __init__(self, *messages: bytes) -> None:
        self._messages = list(messages)

    async def recv(self) -> bytes:
        return self._messages.pop(0)

    async def send(self, data: bytes) -> None: ...


@pytest.mark.parametrize("link", [SlotLink, WebLink])
@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff\xff",
        bytes([Kind.METADATA]) + b"{",
        bytes([Kind.METADATA]) + json.dumps({"event": "queue", "position": "first"}).encode(),
        bytes([Kind.METADATA]) + json.dumps({"event": "live"}).encode(),
        bytes([Kind.METADATA]) + b"[" * 60_000,
        bytes([Kind.AGENT]) + b"odd",
    ],
)
async def test_message_that_breaks_the_protocol_ends_the_talk_with_words(link: Any, message: bytes) -> None:
    over = await link(Says(message)).receive()
    assert isinstance(over, Over)
    assert over.fault
    assert over.message.startswith("the server sent something that this program does not understand (expected ")


@pytest.mark.parametrize(
    ("address", "status"),
    [("ws://127.0.0.1:1/\udcff", 3), (f"ws://{'a' * 70}.example", 3), ("ws://xn--\u2603.\u2603", 3)],
)
async def test_address_that_cannot_be_is_told(address: str, status: int, tmp_path: Path) -> None:
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(2_400), SAMPLE_RATE_HZ)
    assert (await problem("--in", silence, address))[0] == 3


async def test_token_that_no_header_can_carry_is_told(tmp_path: Path) -> None:
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(2_400), SAMPLE_RATE_HZ)
    assert (await problem("--in", silence, "--token", "a\nb", "ws://127.0.0.1:1/api/chat"))[0] == 3


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("take.raw", b"\x00" * 64, "The file is damaged"),
        ("take.wav", b"RIFF\xff\xff\xff\xffWAVE", "The file ends too early"),
        ("take.flac", b"fLaC" + bytes(range(200)), "The file is damaged"),
        ("take.wav", b"", "The file is empty."),
    ],
)
async def test_odd_file_is_told(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    status, text = await problem("--in", tmp_path / name)
    assert (status, text.partition(": ")[0]) == (5, f"{tmp_path / name} cannot be read")
    assert text.partition(": ")[2].startswith(reason)


def test_recording_from_a_pipe_is_said_whole(tmp_path: Path) -> None:
    file = tmp_path / "question.wav"
    soundfile.write(file, np.linspace(-0.5, 0.5, 24_000), SAMPLE_RATE_HZ)
    whole = read_audio(file)
    content = bytearray(file.read_bytes())
    content[4:8], content[40:44] = b"\xff" * 4, bytes(4)
    file.write_bytes(content)
    np.testing.assert_array_equal(read_audio(file), whole)
    assert len(whole) == 24_000
