from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.templatetags.prose import render


def test_markdown_becomes_html() -> None:
    assert render("# A\n\n**b** [c](https://d.example)") == (
        '<h1>A</h1>\n<p><strong>b</strong> <a href="https://d.example" rel="noopener noreferrer">c</a></p>\n'
    )


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>x()</script>", "<p>&lt;script&gt;x()&lt;/script&gt;</p>\n"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("![a](https://b.example/c.png)", "<p></p>\n"),
        ("<b onclick=x()>a</b>", "<p>&lt;b onclick=x()&gt;a&lt;/b&gt;</p>\n"),
    ],
)
def test_what_could_run_or_load_something_is_taken_out(text: str, html: str) -> None:
    assert render(text) == html


@given(st.text())
def test_any_text_gives_no_scripts_and_no_handlers(text: str) -> None:
    html = render(text)
    assert "<script" not in html
    assert "<img" not in html
