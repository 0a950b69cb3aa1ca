"""Everything on one machine is started, restarted and stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hearmeout_site.environment import ROOT, WebSettings
from hearmeout_site.supervisor import Child, family_of, free_port, how_it_ended, readable
from tests.waiting import until

TALKER = "import sys, time; print('here', flush=True); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def test_child_that_is_killed_is_named_and_started_again(capsys: pytest.CaptureFixture[str]) -> None:
    child = Child("talker", python(TALKER), dict(os.environ), longest_wait_sec=0.1)
    running = asyncio.create_task(child.run())
    await until(lambda: child.process is not None)
    assert child.process is not None
    first = child.process
    first.kill()
    await until(lambda: child.process is not first)
    running.cancel()
    await child.stop()
    assert "talker was killed by SIGKILL; starting it again in 0.1 s" in capsys.readouterr().out


async def test_child_that_keeps_dying_waits_longer_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    child = Child("brief", python("raise SystemExit(3)"), dict(os.environ), longest_wait_sec=0.4, wait_sec=0.1)
    running = asyncio.create_task(child.run())
    heard: list[str] = []

    def four_deaths() -> bool:
        heard.extend(line.split("│ ")[1] for line in capsys.readouterr().out.splitlines() if "ended" in line)
        return len(heard) >= 4

    await until(four_deaths)
    running.cancel()
    await child.stop()
    assert heard[:4] == [f"brief ended with status 3; starting it again in {wait} s" for wait in (0.1, 0.2, 0.4, 0.4)]


async def test_child_that_dies_takes_its_own_children_along(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open(sys.argv[1], 'w').write(str(p.pid)); time.sleep(60)"
    )
    note = tmp_path / "pid"
    child = Child("parent", [*python(code), str(note)], dict(os.environ), wait_sec=30)
    running = asyncio.create_task(child.run())
    await until(lambda: note.exists() and note.read_text() != "")
    grandchild = int(note.read_text())
    assert child.process is not None
    child.process.kill()

    def gone() -> bool:
        try:
            return Path(f"/proc/{grandchild}/stat").read_text().split()[2] == "Z"  # dead, not yet collected by init
        except FileNotFoundError:
            return True

    await until(gone)
    running.cancel()
    await child.stop()


async def test_child_that_ignores_the_request_to_stop_is_killed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hearmeout_site.supervisor.STOP_WITHIN_SEC", 0.3)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    child = Child("stubborn", python(code), dict(os.environ))
    running = asyncio.create_task(child.run())
    await until(lambda: "│ deaf" in capsys.readouterr().out)
    running.cancel()
    await child.stop()
    assert child.process is not None
    assert await child.process.wait() == -signal.SIGKILL


HANGS = """
import re, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
asked = threading.Event()
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503); self.end_headers(); asked.set()
    def log_message(self, *_): pass
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("serving", flush=True)
asked.wait()
re.match("(a+)+$", "a" * 60 + "b")  # nothing else of the process runs while this does
"""


async def test_child_that_hangs_says_where_and_is_started_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hearmeout_site.health.ASK_EVERY_SEC", 0.05)
    port = free_port(9_600, "test")
    command = [sys.executable, "-X", "faulthandler", "-c", HANGS, str(port)]
    child = Child("web", command, dict(os.environ), 0.1, f"http://127.0.0.1:{port}", hung_after_sec=0.5)
    running = asyncio.create_task(child.run())
    await until(lambda: child.process is not None)
    first = child.process
    await until(lambda: child.process is not first)
    running.cancel()
    await child.stop()
    said = capsys.readouterr().out
    assert "web has not answered for 0.5 s; ending it. This is where it stands:" in said
    assert 'File "<string>", line 13 in <module>' in said  # the line of the pattern
    assert "web was killed by SIGABRT; starting it again in 0.1 s" in said


async def test_child_that_ends_by_itself_is_not_taken_for_one_that_hangs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hearmeout_site.health.ASK_EVERY_SEC", 0.05)
    port = free_port(9_600, "test")
    code = HANGS.replace("re.match", "sys.exit(3) #")
    child = Child("web", [*python(code), str(port)], dict(os.environ), 0.1, f"http://127.0.0.1:{port}", 60)
    running = asyncio.create_task(child.run())
    await until(lambda: child.process is not None)
    first = child.process
    await until(lambda: child.process is not first)
    running.cancel()
    await child.stop()
    said = capsys.readouterr().out
    assert ("web ended with status 3" in said, "not answered" in said) == (True, False)


def test_those_that_answer_http_are_asked_and_all_write_where_they_stand(tmp_path: Path) -> None:
    family = family_of(WebSettings(data_dir=tmp_path, hung_after_sec=7), 8_001, 8_701)
    assert [(child.name, child.url) for child in family.all if child.url] == [
        ("inference", "http://127.0.0.1:8701"),
        ("web", "http://127.0.0.1:8001"),
    ]
    assert {child.hung_after_sec for child in family.all} == {7}
    assert ["faulthandler" in child.command for child in family.all] == [True] * 4


def test_port_that_is_taken_is_named_and_the_next_used(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        port = free_port(taken, "site")
    assert port > taken
    assert f"port {taken} for the site is taken; using {port}" in capsys.readouterr().out


def test_port_that_is_free_is_used_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
    assert free_port(free, "site") == free
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("code", "words"), [(-9, "was killed by SIGKILL"), (0, "ended with status 0")])
def test_end_is_told_in_words(code: int, words: str) -> None:
    assert how_it_ended(code) == words


async def test_child_waits_for_its_turn_and_tells_when_it_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    turn = asyncio.Event()
    code = "import time; print('loading', flush=True); print('ready', flush=True); time.sleep(60)"
    child = Child("later", python(code), dict(os.environ), after=turn)
    running = asyncio.create_task(child.run())
    await asyncio.sleep(0.1)
    assert child.process is None
    turn.set()
    async with asyncio.timeout(20):
        await child.ready.wait()
    running.cancel()
    await child.stop()
    assert capsys.readouterr().out.splitlines()[:2] == ["later    │ loading", "later    │ ready"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "timestamp='2026-11-30T13:56:09Z' level='info' event='loaded' part='voices' seconds=1.2",
            "loaded: part='voices' seconds=1.2",
        ),
        ("timestamp='2026-11-30T13:56:09Z' level='info' event='inference worker stopped'", "inference worker stopped"),
        (
            "timestamp='2026-11-30T13:56:09Z' level='critical' event='inference worker cannot start' problem='why'",
            "CRITICAL inference worker cannot start: problem='why'",
        ),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
    ],
)
def test_log_of_the_worker_is_passed_on_without_what_is_for_machines(line: str, words: str) -> None:
    assert readable(line) == words


def test_wrong_settings_of_the_worker_stop_the_start_before_anything_runs(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "WORKER_SLOTS": "0", "CASCADE_THREADS": "many"}
    done = subprocess.run(
        [sys.executable, "-m", "hearmeout_site.supervisor"], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 2
    wrong = [line.split(":")[0].strip() for line in done.stderr.splitlines()[1:-1]]
    assert wrong == ["WORKER_SLOTS", "CASCADE_THREADS"]
    assert not (tmp_path / "db.sqlite3").exists()
