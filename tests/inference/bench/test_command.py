"""The benchmark as an operator runs it: a process of its own for every number of slots."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from inference.bench.__main__ import main


def test_the_command_measures_prints_and_writes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "bench.json"
    table = tmp_path / "bench.md"
    arguments = ["--engine", "echo", "--slots", "2", "1", "2", "--seconds", "0.2"]
    assert main([*arguments, "--json", str(written), "--markdown", str(table)]) == 0
    found = json.loads(written.read_text())
    assert [one["slots"] for one in found["measurements"]] == [1, 2]
    printed, progress = capfd.readouterr()
    assert printed == table.read_text()
    assert progress.splitlines() == ["echo, 1 slots ...", "echo, 2 slots ..."]


def test_what_cannot_be_measured_is_told_and_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """It stops where the number of slots is not what is wrong."""
    assert main(["--engine", "echo", "--slots", "1", "2", "4", "--seconds", "0.2", "--voice-prompt=nobody"]) == 1
    printed, progress = capfd.readouterr()
    assert printed == ""
    assert [line for line in progress.splitlines() if line.endswith("...")] == [
        "echo, 1 slots ...",
        "echo, 2 slots ...",
    ]
    assert "voice_prompt is 'nobody'; expected none: the echo has the voice it hears" in progress


@pytest.mark.parametrize("wrong", [["--engine", "nope"], ["--engine", "echo", "--slots", "0"], []])
def test_a_wrong_command_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(wrong)
    assert refused.value.code == 2


def test_manage_passes_engine_and_options_on(capfd: pytest.CaptureFixture[str]) -> None:
    call_command("bench_engine", "echo", "--slots", "1", "--seconds", "0.2")
    assert capfd.readouterr().out.splitlines()[0].startswith("`echo` on ")


def test_manage_fails_as_the_benchmark_does() -> None:
    with pytest.raises(SystemExit) as refused:
        call_command("bench_engine", "nope")
    assert refused.value.code == 2
