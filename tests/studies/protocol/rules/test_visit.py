"""What surrounds the talks and cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from studies.protocol.languages import texts_of
from studies.protocol.reading.document import parse
from tests.studies.protocol.documents import paired
from tests.studies.protocol.rules.studies import problems


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"device_check": {"headphones": {"pass_at": 7}}},
            "device_check.headphones.pass_at: is 7, but there are 6 trials",
        ),
        (
            {"attention": {"then": "screen_out"}},
            "attention: has no item to check; add expect, the right answer, to an item",
        ),
        (
            {"recruiter": {"service": "prolific"}},
            "recruiter.codes.completed: is missing: Prolific needs the completion code",
        ),
        (
            {"recruiter": {"codes": {"no_consent": "C1"}}},
            "recruiter.codes.no_consent: is not used: service none sends",
        ),
        (
            {"recruiter": {"service": "prolific", "codes": {"completed": "C1", "quota_full": "C1"}}},
            "recruiter.codes.quota_full: is that of completed too; the service could not tell the two apart",
        ),
        (
            {"recruiter": {"service": "sona"}},
            "recruiter.return_url: is missing: paste SONA's client-side completion URL",
        ),
        (
            {"recruiter": {"service": "generic", "return_url": "https://x.org/?a={cod}"}},
            "recruiter.return_url: has {cod}; expected {code} or {person}",
        ),
        (
            {"recruiter": {"service": "generic", "return_url": "https://x.org/?a={code"}},
            "recruiter.return_url: has a brace without its counterpart; expected {code} or {person}",
        ),
        (
            {"recruiter": {"service": "mturk", "parameter": "pid"}},
            "recruiter.parameter: belongs to service generic; mturk has",
        ),
        (
            {"recruiter": {"return_url": "https://x.org/"}},
            "recruiter.return_url: belongs to services generic and sona; none has its own way back",
        ),
        ({"languages": ["en", "en"]}, "languages[1]: en already exists"),
        ({"translations": {"sv": {}}}, "translations.sv: sv is not among languages"),
    ],
)
def test_visit_that_cannot_be(changes: dict[str, Any], problem: str) -> None:
    assert problems(paired(**changes))[0].startswith(problem)


def test_texts_of_every_language_are_there() -> None:
    document = paired(languages=["en", "sv"], translations={"sv": {"welcom": "Hej."}})
    found = problems(document)
    assert "translations.sv.welcome: is missing: what “Hello.” is in sv" in found
    assert "translations.sv.welcom: is not a text of this study; did you mean welcome?" in found


@pytest.mark.parametrize(
    ("path", "longest"), [("prompts.weekend.title", 200), ("summary", 300), ("consent.text", 20_000)]
)
def test_text_is_no_longer_in_another_language(path: str, longest: int) -> None:
    document = paired(languages=["en", "sv"])
    given = dict.fromkeys(texts_of(parse(paired())), "ord")
    assert parse({**document, "translations": {"sv": {**given, path: "å" * longest}}})
    assert problems({**document, "translations": {"sv": {**given, path: "å" * (longest + 1)}}}) == [
        f"translations.sv.{path}: is {longest + 1:,} characters long; expected at most {longest:,}"
    ]


def test_persona_may_be_translated_and_need_not_be() -> None:
    document = paired(languages=["en", "sv"])
    document["conditions"][0]["text_prompt"] = "You are kind."
    given = dict.fromkeys(texts_of(parse(paired())), "ord")
    assert parse({**document, "translations": {"sv": given}})
    assert parse({**document, "translations": {"sv": {**given, "conditions.own.text_prompt": "Du är snäll."}}})
