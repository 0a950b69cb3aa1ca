"""What is changed in the form stands in the YAML, and all else stays as it was written."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.errors import DraftRefused
from studies.protocol.reading import yaml_text
from studies.researcher.design.starting import templates
from studies.researcher.design.writing.checking import data_in
from studies.researcher.design.writing.edits import apply, parse_edits
from tests.extent import examples

TEXT = """\
# what this is about
version: 2
title: Voices   # working title
prompts:
  # the first
  - key: weekend
    title: 'Your weekend'
    card: |
      Tell about **your weekend**.

      All of it.
  # the second
  - key: work
    title: Your work
conditions: [{key: own, engine: cascade}, {key: other, engine: cascade}]
"""


def changed(*edits: dict[str, Any], text: str = TEXT) -> str:
    return apply(text, parse_edits(list(edits)))


def test_one_text_changes_one_line_and_keeps_its_quotes() -> None:
    after = changed({"do": "put", "path": ["prompts", 0, "title"], "value": "A free weekend"})
    assert after == TEXT.replace("'Your weekend'", "'A free weekend'")


def test_text_of_several_lines_stands_as_a_block() -> None:
    after = changed({"do": "put", "path": ["prompts", 1, "card"], "value": "One.\n\nTwo."})
    assert after == TEXT.replace(
        "    title: Your work\n", "    title: Your work\n    card: |-\n      One.\n\n      Two.\n"
    )


@pytest.mark.parametrize(
    "value", ["yes", "12", "a: b", "# no", "", " x", "null", "2026-01-01", "- a", "é\t", "{a", "~"]
)
def test_text_stays_text(value: str) -> None:
    after = changed({"do": "put", "path": ["title"], "value": value})
    assert data_in(after) == {**(data_in(TEXT) or {}), "title": value}
    assert "# the second" in after


def test_block_that_is_not_there_is_made() -> None:
    after = changed({"do": "put", "path": ["device_check", "min_snr_db"], "value": 12.5})
    assert after == TEXT + "device_check:\n  min_snr_db: 12.5\n"


def test_dropped_key_leaves_the_rest_as_it_was() -> None:
    assert changed({"do": "drop", "path": ["prompts", 1, "title"]}) == TEXT.replace("    title: Your work\n", "")


def test_items_move_with_what_they_hold_and_fresh_ones_come_in() -> None:
    after = changed({"do": "arrange", "path": ["prompts"], "items": [1, {"value": {"key": "new", "title": "New"}}, 0]})
    prompts = (data_in(TEXT) or {})["prompts"]
    assert data_in(after) == {
        **(data_in(TEXT) or {}),
        "prompts": [prompts[1], {"key": "new", "title": "New"}, prompts[0]],
    }
    assert after.startswith("# what this is about\n")
    assert "      Tell about **your weekend**.\n\n      All of it." in after


def test_item_that_stands_twice_is_written_out_twice() -> None:
    after = changed({"do": "arrange", "path": ["prompts"], "items": [0, 0]})
    prompt = (data_in(TEXT) or {})["prompts"][0]
    assert (data_in(after) or {})["prompts"] == [prompt, prompt]


def test_document_of_an_older_schema_is_written_as_the_newest() -> None:
    old = "version: 1\nkind: paired\ntitle: Old\nsummary: Old.\n"
    after = changed({"do": "put", "path": ["title"], "value": "New"}, text=old)
    assert after == "version: 2\nkind: planned\ntitle: New\nsummary: Old.\n"


@pytest.mark.parametrize("text", ["", "a: [", "- a", "a: *b", "just words", "a: 1\na: 2"])
def test_text_that_cannot_be_read_is_not_touched(text: str) -> None:
    with pytest.raises(DraftRefused, match="Fix the YAML first"):
        changed({"do": "put", "path": ["title"], "value": "x"}, text=text)


@pytest.mark.parametrize(
    "edit",
    [
        {"do": "put", "path": ["prompts", 7, "title"], "value": "x"},
        {"do": "put", "path": ["title", "deeper"], "value": "x"},
        {"do": "arrange", "path": ["prompts"], "items": [2]},
        {"do": "arrange", "path": ["title"], "items": []},
        {"do": "drop", "path": ["prompts", 0, "key", "deeper", "still"]},
    ],
)
def test_edit_of_what_is_not_there_is_refused(edit: dict[str, Any]) -> None:
    with pytest.raises(DraftRefused, match="no longer exists"):
        changed(edit)


@pytest.mark.parametrize(
    "edits", [None, 1, "x", [1], [{"do": "burn"}], [{"do": "put", "path": []}], [{"do": "drop"}] * 501]
)
def test_what_the_form_never_sends_is_refused(edits: object) -> None:
    with pytest.raises(DraftRefused, match="cannot be understood"):
        parse_edits(edits)


@settings(max_examples=examples(30))  # templates are long
@given(st.data())
def test_any_edit_of_a_template_says_what_it_should(data: st.DataObject) -> None:
    template = data.draw(st.sampled_from(templates()))
    document = data_in(template.text)
    assert document is not None
    path = data.draw(st.sampled_from(list(_paths(document))))
    value = data.draw(st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=60))
    wanted = deepcopy(document)
    holder: Any = wanted
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    after = apply(template.text, parse_edits([{"do": "put", "path": list(path), "value": value}]))
    assert yaml_text.read(after).data == wanted


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from _paths(part, (*path, key))
