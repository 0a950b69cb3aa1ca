from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from studies.models import Study
from studies.protocol.document import parse, parse_yaml
from tests.studies.protocol.documents import paired

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "voices.yaml"
    path.write_text(yaml.safe_dump(paired()))
    return path


def test_import_publishes_a_draft_under_the_files_name(file: Path) -> None:
    call_command("study", "import", str(file))
    study = Study.objects.get()
    assert (study.slug, study.state) == ("voices", "draft")
    assert study.current_version is not None


def test_export_writes_the_protocol_that_was_imported(file: Path, tmp_path: Path) -> None:
    call_command("study", "import", str(file))
    out = tmp_path / "out.yaml"
    call_command("study", "export", str(out), "--slug", "voices")
    assert parse_yaml(out.read_text()) == parse(paired())


def test_validate_lists_every_problem(file: Path) -> None:
    file.write_text(yaml.safe_dump(paired(titel="x", kind="pared")))
    with pytest.raises(CommandError) as caught:
        call_command("study", "validate", str(file))
    assert str(caught.value).splitlines()[1:] == [
        "  kind: is 'pared'; expected 'paired' or 'explore'",
        "  titel: is not a key here; did you mean title?",
    ]


@pytest.mark.parametrize(
    ("content", "message"), [(b"\xff\xfe\x00", "is not UTF-8 text"), (None, "cannot be read: No such file")]
)
def test_file_that_cannot_be_read_says_why(file: Path, content: bytes | None, message: str) -> None:
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(CommandError, match=message):
        call_command("study", "validate", str(file))


def test_export_of_an_unknown_study_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no published study called nothing"):
        call_command("study", "export", str(tmp_path / "nothing.yaml"))
