from __future__ import annotations

from studies.simulation.pages import forms_of

PAGE = """
<form method="get" action="/search"><input name="q"></form>
<form method="post">
  <input type="hidden" name="epoch" value="3">
  <input type="radio" name="warm" value="1"><input type="radio" name="warm" value="2">
  <textarea name="why"></textarea><select name="where"><option>a</option></select>
  <button name="decision" value="agree">Agree</button>
</form>
<input name="outside">
"""


def test_forms_are_read_with_their_fields_and_buttons() -> None:
    search, answers = forms_of(PAGE)
    assert (search.method, search.action, search.names) == ("get", "/search", ["q"])
    assert (answers.method, answers.hidden, answers.names) == ("post", {"epoch": "3"}, ["warm", "why", "where"])
    assert answers.buttons == [("decision", "agree")]


def test_filled_form_sends_hidden_fields_along() -> None:
    assert forms_of(PAGE)[1].filled({"warm": "2"}) == {"epoch": "3", "warm": "2"}
