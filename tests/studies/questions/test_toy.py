"""A question type is one Python file and one template: a toy that is added so is found wherever questions are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hearmeout_site.environment import ROOT

TOY = Path(__file__).parent / "toy"


def test_added_type_is_in_schema_page_export_codebook_and_bots() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "tests.studies.questions.toy.plugin", str(TOY / "checks.py")]
    done = subprocess.run([*command, "-n", "0"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
