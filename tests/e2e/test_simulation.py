"""Bots on the whole product: many at once, over real HTTP and sockets, and the export against what they did."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hearmeout_site.environment import ROOT
from tests.e2e.own_databases import ON_SERVICES_TOO, own_databases
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

CELLS = re.compile(r"(\d+) cells of the export were compared")


@pytest.fixture(scope="module", params=["embedded", pytest.param("services", marks=ON_SERVICES_TOO)])
def stack(
    request: pytest.FixtureRequest, local_stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    if request.param == "embedded":
        yield local_stack
    else:
        with own_databases() as named, Stack(tmp_path_factory.mktemp("simulation"), **named) as stack:
            yield stack


def simulate(stack: Stack, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "study", "simulate", *arguments, "--url", url or stack.url],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
    )


def test_export_of_a_published_study_equals_what_bots_did(stack: Stack) -> None:
    done = simulate(stack, "server-room", "--sessions", "3", "--talk-sec", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The export equals what the bots did." in done.stdout
    found = CELLS.search(done.stdout)
    assert found
    assert int(found[1]) > 400


def test_who_answers_carelessly_may_be_screened_out(stack: Stack, tmp_path: Path) -> None:
    document = (ROOT / "studies" / "protocol" / "templates" / "server-room.yaml").read_text()
    file = tmp_path / "Nobody is let in (1).yaml"
    file.write_text(document.replace("equals: false", "answered: true"))
    done = simulate(stack, str(file), "--sessions", "4", "--talk-sec", "1")
    assert done.returncode == 1
    assert "0 of 4 came to the end and 1 was screened out" in done.stdout
    assert "bot 1 at questions/eligibility: no answers were found with which somebody may take part" in done.stderr


def test_file_is_simulated_without_opening_a_study(stack: Stack, tmp_path: Path) -> None:
    template = ROOT / "studies" / "protocol" / "templates" / "emotional-awareness.yaml"
    file = tmp_path / "feelings.yaml"
    file.write_text(template.read_text())
    done = simulate(stack, str(file), "--sessions", "1", "--talk-sec", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    found = CELLS.search(done.stdout)
    assert found
    assert int(found[1]) > 150


def test_site_that_is_not_there_is_told(stack: Stack) -> None:
    done = simulate(stack, "explore", "--sessions", "1", url="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "nothing answers at http://127.0.0.1:9 (ConnectError). Start it there" in done.stderr
    assert "Traceback" not in done.stderr
