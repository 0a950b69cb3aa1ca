from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from studies.models import ProtocolVersion, Study, StudyDraft
from studies.protocol.reading import yaml_text
from studies.protocol.reading.document import parse, parse_yaml, sha256_of
from studies.protocol.schema import Protocol
from studies.publish import publish
from tests.extent import examples
from tests.studies.protocol.documents import paired
from tests.studies.protocol.strategies import protocols
from tests.studies.unguarded import unguarded

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "voices.yaml"
    path.write_text(yaml_text.write(paired()))
    return path


def study(*arguments: str | Path, **options: object) -> str:
    out = StringIO()
    call_command("study", *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def refusal(*arguments: str | Path) -> list[str]:
    with pytest.raises(CommandError) as caught:
        study(*arguments)
    return str(caught.value).splitlines()


def current() -> ProtocolVersion:
    version = Study.objects.get().current_version
    assert version is not None
    return version


def test_import_publishes_a_draft_under_the_files_name(file: Path) -> None:
    assert study("import", file) == f"Published Voices v1 ({sha256_of(parse(paired()))}); draft at /s/voices/\n"
    assert (Study.objects.get().slug, Study.objects.get().state) == ("voices", "draft")


def test_import_of_the_same_again_makes_no_new_version(file: Path) -> None:
    study("import", file)
    assert study("import", file).startswith("Nothing has changed: Voices v1")
    file.write_text(yaml_text.write(paired(debrief="New.")))
    assert study("import", file).startswith("Published Voices v2")


def test_import_that_cannot_be_published_leaves_no_study(file: Path) -> None:
    document = paired()
    document["conditions"][0]["engine"] = "echo"
    file.write_text(yaml_text.write(document))
    assert refusal("import", file) == [
        f"{file} is a valid protocol, but cannot be published here:",
        "  conditions[0].engine: Echo is for tests and set-up; choose another engine to publish",
    ]
    assert Study.objects.count() == 0


def test_import_of_standard_input_needs_a_name() -> None:
    assert refusal("import", "-") == ["standard input has no name; say which study it is for with --slug"]


@pytest.mark.parametrize("name", ["å study", "a" * 51])
def test_import_under_a_name_that_is_no_link_says_so(file: Path, name: str) -> None:
    (message,) = refusal("import", file, "--slug", name)
    assert message.startswith(f"{name!r} ")
    assert "--slug" in message


def test_import_without_publishing_keeps_the_text_as_draft(file: Path) -> None:
    text = f"# with a comment\n{file.read_text()}"
    file.write_text(text)
    assert study("import", file, "--no-publish") == f"Kept {file} as the draft of voices\n"
    draft = StudyDraft.objects.get()
    assert (draft.text, draft.revision, draft.study.title, draft.study.current_version) == (text, 1, "Voices", None)


def test_draft_need_not_be_valid_and_grows_a_revision(file: Path) -> None:
    study("import", file, "--no-publish")
    file.write_text("title: [")
    assert study("import", file, "--no-publish").endswith("it is not valid yet (problems: 1)\n")
    draft = StudyDraft.objects.get()
    assert (draft.text, draft.revision) == ("title: [", 2)


def test_export_writes_the_protocol_that_was_imported(file: Path, tmp_path: Path) -> None:
    study("import", file)
    out = tmp_path / "out.yaml"
    study("export", out, "--slug", "voices")
    assert parse_yaml(out.read_text()) == parse(paired())


def test_export_of_an_earlier_version(file: Path, tmp_path: Path) -> None:
    study("import", file)
    file.write_text(yaml_text.write(paired(debrief="New.")))
    study("import", file)
    out = tmp_path / "out.yaml"
    study("export", "voices@1", out)
    assert parse_yaml(out.read_text()).debrief == "Thank you."
    assert parse_yaml(study("export", "voices", "-")).debrief == "New."
    assert parse_yaml(study("export", "voices")).debrief == "New."
    assert parse_yaml(study("export", "voices@1")).debrief == "Thank you."
    assert refusal("export", "voices@3", out) == ["voices has no version 3; it has 1, 2"]


@hypothesis_settings(max_examples=examples(10), deadline=None, suppress_health_check=list(HealthCheck))
@given(protocols())
def test_export_imported_elsewhere_has_the_identical_hash(tmp_path: Path, protocol: Protocol) -> None:
    with unguarded():
        Study.objects.all().delete()
    here = publish(Study.objects.create(slug="here", title="Here"), protocol)
    file = tmp_path / "study.yaml"
    study("export", "here", file)
    there = Study.objects.create(slug="there", title="There")
    study("import", file, "--slug", "there")
    imported = there.current_version
    assert imported is not None
    stored = ProtocolVersion.objects.get(pk=here.pk)  # as the database gives it back
    hashes = {here.sha256, imported.sha256, sha256_of(parse(stored.document)), sha256_of(parse(imported.document))}
    assert hashes == {sha256_of(protocol)}


@pytest.mark.parametrize("value", [1.0, 1e-07, 9e15, 1e-300, 0.1, 2, True, "1.0", "å\u2028", None])
def test_number_keeps_its_hash_in_the_database(value: object) -> None:
    whole = parse(paired())
    condition = whole.conditions[0].model_copy(update={"options": {"b": value, "a": 1}})
    odd = whole.model_copy(update={"conditions": [condition, *whole.conditions[1:]]})
    version = publish(Study.objects.create(slug="odd", title="Odd"), odd)
    stored = Protocol.model_validate(ProtocolVersion.objects.get(pk=version.pk).document)
    assert sha256_of(stored) == version.sha256


def test_validate_says_the_hash(file: Path) -> None:
    assert study("validate", file).splitlines()[0] == (
        f"{file} is a valid protocol: Voices ({sha256_of(parse(paired()))})"
    )
    assert Study.objects.count() == 0


def test_validate_says_how_even_the_design_is(file: Path) -> None:
    lines = study("validate", file).splitlines()
    assert lines[1:4] == [
        "  Arms, everybody: 2 of 2 talks",
        "  Arms: In every block of participants of one stratum, each arm is assigned once.",
        "  Conditions and prompts: Each condition meets each prompt twice.",
    ]
    document = paired(pairs=[], questionnaires=[]) | {"design": {"cells": "crossed", "order": "fixed"}}
    file.write_text(yaml_text.write(document))
    assert (
        "  Conditions at each position: Not every condition appears equally often at each position: "
        "own 0 to 1 times; higher 0 to 1 times."
    ) in study("validate", file).splitlines()


def test_validate_lists_every_problem_with_its_line(file: Path) -> None:
    file.write_text(yaml_text.write(paired(titel="x", kind="pared")))
    assert refusal("validate", file) == [
        f"{file} is not a valid protocol:",
        "  line 2: kind: is 'pared'; expected 'planned' or 'explore'; did you mean planned?",
        f"  line {len(file.read_text().splitlines())}: titel: is not a key here; did you mean title?",
    ]


def test_validate_of_broken_yaml_says_the_line_once(file: Path) -> None:
    file.write_text("title: a\nsummary: [b\n")
    assert refusal("validate", file)[1:] == ["  line 3: is not valid YAML: expected ',' or ']', but got '<stream end>'"]


@pytest.mark.parametrize("action", ["validate", "import"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "is not UTF-8 text; is it a YAML file?"),
        (None, "cannot be read: No such file or directory"),
        ("folder", "cannot be read: Is a directory"),
    ],
)
def test_file_that_cannot_be_read_says_why(file: Path, action: str, content: bytes | str | None, message: str) -> None:
    file.unlink()
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        file.mkdir()
    assert refusal(action, file) == [f"{file} {message}"]


def test_file_with_a_mark_at_its_beginning_and_lines_of_windows_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    study("import", file)
    assert current().sha256 == sha256_of(parse(paired()))


def test_export_to_where_nothing_can_be_written_says_why(file: Path, tmp_path: Path) -> None:
    study("import", file)
    assert refusal("export", "voices", tmp_path) == [f"{tmp_path} cannot be written: Is a directory"]


def test_export_of_an_unknown_study_says_so(file: Path, tmp_path: Path) -> None:
    assert refusal("export", tmp_path / "nothing.yaml") == ["there is no study called nothing; known: none"]
    study("import", file, "--no-publish")
    assert refusal("export", tmp_path / "voices.yaml") == ["voices has no published version yet"]


def test_diff_of_files_and_versions(file: Path) -> None:
    study("import", file)
    newer = file.with_name("newer.yaml")
    newer.write_text(yaml_text.write(paired(debrief="New.")))
    study("import", newer, "--slug", "voices")
    expected = "~ debrief: Thank you. -> New.\n"
    assert [study("diff", file, newer), study("diff", "voices@1", "voices"), study("diff", file, "voices@2")] == [
        expected,
        expected,
        expected,
    ]
    assert study("diff", "voices", newer) == "nothing changed\n"
    assert refusal("diff", "voice", newer) == ["there is no study called voice; did you mean voices?"]


def test_schema_is_json_for_editors(tmp_path: Path) -> None:
    out = tmp_path / "schema.json"
    study("schema", out)
    assert json.loads(out.read_text()) == json.loads(study("schema"))
    assert json.loads(out.read_text())["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_command_line_ends_with_a_status_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("title: [")
    command = [sys.executable, "manage.py", "study", "validate", str(tmp_path / "bad.yaml")]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr, "line 1" in done.stderr) == (1, False, True)
