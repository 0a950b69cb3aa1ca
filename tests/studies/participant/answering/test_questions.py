"""Pages of questions: every type is drawn, kept, checked and shown again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from studies.models import Answer
from studies.participant.answering.answers import attention_failed, known
from tests.studies.participant.questionnaires import EVERY_ANSWER, EVERY_FIELD, EVERY_ITEM, OPTIONS, asking
from tests.studies.participant.visitor import Visitor, open_new_study

pytestmark = pytest.mark.django_db

PAGE = "questions/asked/"
LIKERT = {"type": "likert", "text": "How?", "low": "Low", "high": "High"}
SMOKES = {"type": "switch", "key": "smokes", "text": "Do you smoke?"}
AMOUNT = {
    "type": "number",
    "key": "amount",
    "text": "How many?",
    "show_if": {"all": [{"item": "smokes", "equals": True}]},
}


def anna_at(*items: dict[str, Any], **fields: Any) -> Visitor:
    """At a page of these items, the first of the visit."""
    open_new_study(asking(*items, **fields))
    return Visitor().begin()


def errors(visitor: Visitor) -> dict[str, str]:
    return dict(visitor.refusal["errors"])


def html(visitor: Visitor) -> str:
    return str(visitor.response.content.decode())


def filled(visitor: Visitor) -> dict[str, list[str]]:
    """What stands in the fields of the page, those that are not ticked left out."""
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", html(visitor)):
        name, value = (re.search(rf'\s{what}="([^"]*)"', tag) for what in ("name", "value"))
        is_box = re.search(r'type="(?:radio|checkbox)"', tag) is not None
        if name and value and value[1] and (not is_box or re.search(r"\schecked", tag)):
            found.setdefault(name[1], []).append(value[1])
    return found


def revisions(item: str) -> list[Any]:
    return list(Answer.objects.filter(item=item).order_by("revision").values_list("value", flat=True))


def test_every_item_is_asked_and_every_answer_kept() -> None:
    anna = anna_at(*EVERY_ITEM)
    assert (anna.place, anna.response.status_code) == (PAGE, 200)
    anna.answer(PAGE, **EVERY_ANSWER)
    assert anna.place == "consent/"
    assert known(anna.session) == EVERY_ANSWER
    assert {(each.questionnaire, each.revision, each.trial_id, each.pair) for each in Answer.objects.all()} == {
        ("asked", 1, None, None)
    }


def test_sending_the_same_again_adds_no_revision() -> None:
    anna = anna_at(*EVERY_ITEM)
    anna.answer(PAGE, **EVERY_ANSWER).answer(PAGE, **EVERY_ANSWER)
    assert Answer.objects.count() == len(EVERY_ANSWER)


def test_nothing_is_chosen_before_the_participant_chooses() -> None:
    anna = anna_at(*EVERY_ITEM)
    assert {name for name in filled(anna) if name not in {"csrfmiddlewaretoken", "epoch"}} == set()


def test_coming_back_shows_what_was_answered_and_revises_it() -> None:
    anna = anna_at(*EVERY_ITEM).answer(PAGE, **EVERY_ANSWER).get(PAGE)
    shown = filled(anna)
    for name, value in EVERY_FIELD.items():
        if name != "story":  # a textarea
            assert shown[name] == (value if isinstance(value, list) else [value])
    assert "One line\nand another.</textarea>" in html(anna)
    anna.answer(PAGE, **{**EVERY_ANSWER, "warm": "skip", "town": None})
    assert anna.place == "consent/"
    assert (revisions("warm"), revisions("town")) == ([5, "skip"], ["Uppsala", None])
    assert "town" not in known(anna.session)


def test_what_is_missing_is_named_with_a_way_to_it_and_the_rest_is_kept() -> None:
    anna = anna_at(*EVERY_ITEM).answer(PAGE, warm=3, age="12", story="So far.")
    assert (anna.place, anna.refusal["status"], anna.refusal["code"]) == (PAGE, 422, "incomplete")
    missing = errors(anna)
    assert missing.keys() == EVERY_ANSWER.keys() - {"warm", "town", "story", "cigarettes"}
    assert missing["age"] == "Please enter a number from 18 to 120."
    assert all(f'<a href="#q-{key}">' in anna.refusal["summary"] and f'id="q-{key}"' in html(anna) for key in missing)
    assert filled(anna.get(PAGE))["warm"] == ["3"]
    assert known(anna.session) == {"warm": 3, "story": "So far."}


def test_page_that_was_missing_something_is_not_done() -> None:
    anna = anna_at(*EVERY_ITEM).answer(PAGE, warm=3)
    assert anna.get("").place == PAGE


def test_hidden_item_is_not_required_and_its_answer_is_taken_back() -> None:
    anna = anna_at(SMOKES, AMOUNT)
    anna.answer(PAGE, smokes=True)
    assert errors(anna) == {"amount": "Please fill in this field."}
    anna.answer(PAGE, smokes=True, amount=7)
    assert known(anna.session) == {"smokes": True, "amount": 7}
    anna.answer(PAGE, smokes=False, amount=7)
    assert anna.place == "consent/"
    assert known(anna.session) == {"smokes": False}
    assert revisions("amount") == [7, None]


def test_condition_on_an_earlier_page_is_known_to_the_page() -> None:
    document = asking(SMOKES)
    later = {"key": "more", "at": "eligibility", "items": [AMOUNT, {**LIKERT, "key": "warm"}]}
    document["questionnaires"].insert(1, later)
    open_new_study(document)
    anna = Visitor().begin().answer(PAGE, smokes=False)
    assert anna.place == "questions/more/"
    assert anna.response.context["questions_config"]["known"] == {"smokes": False}
    anna.answer("questions/more/", warm=2)
    assert (anna.place, known(anna.session)) == ("consent/", {"smokes": False, "warm": 2})


def test_changing_an_answer_takes_back_what_it_hides_on_a_later_page() -> None:
    document = asking(SMOKES)
    document["questionnaires"].insert(1, {"key": "more", "at": "eligibility", "items": [AMOUNT]})
    open_new_study(document)
    anna = Visitor().begin().answer(PAGE, smokes=True).answer("questions/more/", amount=9)
    assert (anna.place, known(anna.session)) == ("consent/", {"smokes": True, "amount": 9})
    anna.answer(PAGE, smokes=False)
    assert (anna.place, known(anna.session)) == ("consent/", {"smokes": False})
    anna.answer(PAGE, smokes=True)
    assert anna.place == "questions/more/"  # asked again


def test_random_order_stays_and_differs_between_participants() -> None:
    open_new_study(asking(*({**LIKERT, "key": f"i{n}"} for n in range(8)), random_order=True))

    def order(visitor: Visitor) -> list[str]:
        return re.findall(r'data-question="([^"]*)"', html(visitor))

    visitors = [Visitor().begin() for _ in range(4)]
    orders = [order(visitor) for visitor in visitors]
    assert [order(visitor.get(PAGE)) for visitor in visitors] == orders
    assert all(sorted(one) == [f"i{n}" for n in range(8)] for one in orders)
    assert len({tuple(one) for one in orders}) > 1


def test_scenarios_are_offered_by_their_titles() -> None:
    item = {"type": "multiple_choice", "key": "which", "text": "Which?", "options": "scenarios"}
    document = asking(item)
    document["prompts"].append({"key": "trip", "title": "A trip", "card": "Go."})
    document["pairs"].append({"prompt": "trip", "conditions": ["own", "higher"]})
    open_new_study(document)
    anna = Visitor().begin()
    assert [(option.value, option.label) for option in anna.response.context["questions"][0].parts["options"]] == [
        ("weekend", "Weekend"),
        ("trip", "A trip"),
    ]
    assert known(anna.answer(PAGE, which=["trip", "weekend"]).session) == {"which": ["weekend", "trip"]}


def test_attention_checks_count_wrong_answers() -> None:
    checks = [{**LIKERT, "key": "two", "expect": 2}, {**SMOKES, "expect": False}]
    choice = {"type": "single_choice", "key": "milk", "text": "Milk", "options": OPTIONS, "expect": "milk"}
    anna = anna_at(*checks, choice)
    anna.answer(PAGE, two=3, smokes=False, milk="tea")
    assert attention_failed(anna.session) == ["two", "milk"]
    anna.answer(PAGE, two=2, smokes=False, milk="tea")
    assert attention_failed(anna.session) == ["milk"]


def test_questions_of_a_talk_are_about_that_talk() -> None:
    open_new_study(asking({**LIKERT, "key": "warm"}, at="after_trial"))
    anna = Visitor().to_talk()
    anna.talk()
    assert anna.place == "questions/asked/0/"
    anna.answer(anna.place, warm=6)
    first, second = anna.session.trials.order_by("position")
    assert (known(anna.session, first), known(anna.session, second)) == ({"warm": 6}, {})
    assert first.done_at is not None
    anna.talk()
    anna.answer(anna.place, warm=2)
    assert [known(anna.session, trial)["warm"] for trial in (first, second)] == [6, 2]


@pytest.mark.parametrize("path", ["questions/nothing/", "questions/asked/3/", "questions/rating/99999999999999999999/"])
def test_page_that_the_visit_does_not_have_leads_to_where_it_stands(path: str) -> None:
    anna = anna_at({**LIKERT, "key": "warm"})
    assert anna.get(path).place == PAGE


def test_text_of_ten_megabytes_is_refused_with_words_and_nothing_is_lost() -> None:
    anna = anna_at({"type": "long_text", "key": "story", "text": "Tell"}, {**LIKERT, "key": "warm"})
    anna.answer(PAGE, story="Kept.", warm=1)
    anna.answer(PAGE, story="x" * 10_000_000, warm=2)
    assert (anna.refusal["status"], anna.refusal["code"]) == (413, "too_long")
    assert anna.refusal["message"]
    assert known(anna.session) == {"story": "Kept.", "warm": 1}
