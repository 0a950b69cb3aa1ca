"""Any valid protocol: every part of the schema, in combinations that the rules let pass."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from inference.contract.presets import PRESETS
from studies.protocol.languages import texts_of
from studies.protocol.questionnaires import MOMENTS
from studies.protocol.reading.document import parse
from studies.protocol.schema import Protocol
from tests.studies.protocol.documents import explore, paired

LETTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\ufffe\uffff")
lines = st.text(LETTERS, min_size=1, max_size=30).map(str.strip).filter(bool)
"""One line. Not only ASCII."""
texts = st.text(LETTERS | st.just("\n") | st.just(" "), min_size=1, max_size=200).map(str.strip).filter(bool)
personas = st.text(LETTERS | st.just("\n") | st.just(" "), max_size=120)
WITHOUT_TALKS = ("eligibility", "consent", "background", "device_check", "end", "debrief")
OF_TALKS = ("before_trial", "after_trial", "playback")
BEFORE_TALKS = ("eligibility", "consent", "background", "device_check")


def protocols() -> st.SearchStrategy[Protocol]:
    return documents().map(parse)


def documents() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(planned_documents(), explore_documents())


@st.composite
def planned_documents(draw: st.DrawFn) -> dict[str, Any]:
    """A planned study of any design."""
    analytical = [f"p{index}" for index in range(draw(st.integers(1, 4)))]
    practice = [f"warm-{index}" for index in range(draw(st.integers(0, 2)))]
    conditions = [f"c_{index}" for index in range(draw(st.integers(1, 4)))]
    document = paired(
        prompts=[draw(_prompt(key)) for key in analytical]
        + [{**draw(_prompt(key)), "study_role": "practice"} for key in practice],
        conditions=[draw(_condition(key)) for key in conditions],
        practice=[{"prompt": key, "condition": draw(st.sampled_from(conditions))} for key in practice],
    )
    document |= draw(_design(analytical, conditions))
    document |= draw(_optional(main_intro=texts, practice_intro=texts if practice else None))
    document["questionnaires"] = draw(_questionnaires(document))
    document |= draw(_spreading(document))
    return draw(_finished(document))


@st.composite
def explore_documents(draw: st.DrawFn) -> dict[str, Any]:
    voices = [
        {"key": f"v{index}", "label": draw(lines), "about": draw(st.just("") | lines), "voices": draw(_schedule(30))}
        for index in range(draw(st.integers(1, 3)))
    ]
    engines = draw(st.lists(st.sampled_from(["cascade", "moshi"]), min_size=1, unique=True))
    document = explore(
        prompts=[draw(_prompt(f"p{index}")) for index in range(draw(st.integers(1, 3)))],
        offer={
            "engines": [{"engine": engine, "text_prompt": draw(personas)} for engine in engines],
            "voices": voices,
            "free_voice": draw(st.booleans()),
        },
    )
    document["questionnaires"] = draw(_questionnaires(document))
    return draw(_finished(document))


@st.composite
def _prompt(draw: st.DrawFn, key: str) -> dict[str, Any]:
    kinds = st.sampled_from(["role", "situation", "goal", "first_line", "how_to_interact", "details"])
    sections = [{"kind": kind, "text": draw(texts)} for kind in draw(st.lists(kinds, unique=True, max_size=3))]
    unit = {"key": "unit", "label": draw(lines), "about": draw(texts)}
    outcomes = [{"key": name, "label": draw(lines), "criteria": draw(texts)} for name in ("grant", "refuse")]
    return {
        "key": key,
        "title": draw(lines),
        "card": draw(texts),
        "limit_sec": draw(st.integers(60, 1_800)),
        "sections": sections,
        **draw(_optional(text_prompt=personas, analysis=st.just({"critical_units": [unit], "outcomes": outcomes}))),
    }


@st.composite
def _condition(draw: st.DrawFn, key: str) -> dict[str, Any]:
    policy = draw(st.sampled_from(["take", "session", "fixed"]))
    seed = {"policy": policy, **({"value": draw(st.integers(0, 2**31 - 1))} if policy == "fixed" else {})}
    temperature = st.floats(0, 2) | st.integers(0, 2) | st.sampled_from([1e-07, 0.1, 1.0])
    spoken = draw(st.sampled_from([{}, {"delivery": "Laugh."}, {"delivery": "Sigh.", "intended": "sad"}]))
    return {
        "key": key,
        "label": draw(lines),
        "engine": "cascade",
        "options": draw(_optional(temperature=temperature, barge_in=st.booleans(), max_tokens=st.integers(8, 200))),
        "text_prompt": draw(personas),
        "seed": seed,
        "voices": draw(_schedule(60)),
        **spoken,
    }


@st.composite
def _schedule(draw: st.DrawFn, within_sec: float) -> list[dict[str, Any]]:
    """One to three stretches, the last one open."""
    marks = draw(st.lists(st.floats(0.1, within_sec - 0.1), max_size=2, unique=True).map(sorted))
    starts, ends = [0, *marks], [*marks, None]
    segments = []
    for start, end in zip(starts, ends, strict=True):
        parameters = draw(_optional(f0_ratio=st.floats(0.4, 2.5), breathiness=st.floats(0, 1)))
        voice = draw(
            st.sampled_from(sorted(PRESETS)).map(lambda name: {"preset": name})
            | st.just({"converter": "transform", "parameters": parameters})
        )
        segments.append({**voice, "start_sec": start, **({} if end is None else {"end_sec": end})})
    return segments


@st.composite
def _design(draw: st.DrawFn, prompts: list[str], conditions: list[str]) -> dict[str, Any]:
    kinds = ["crossed", "variants"]
    if len(conditions) > 1:
        kinds.append("pairs")
    if len(prompts) % len(conditions) == 0:
        kinds.append("assigned")
    cells = draw(st.sampled_from(kinds))
    every = [{"prompt": prompt, "condition": condition} for prompt in prompts for condition in conditions]
    orders = ["williams", "latin", "random", "fixed"]
    if cells == "assigned" and len(prompts) != 2:
        orders.append("graeco_latin")
    design: dict[str, Any] = {"cells": cells, "repetitions": draw(st.integers(1, 3))}
    design |= draw(_optional(break_every=st.integers(1, 5)))
    if cells != "variants":
        design["order"] = draw(st.sampled_from(orders))
    if cells == "variants":
        design["variants"] = [
            {"key": f"v{index}", "trials": draw(st.permutations(every))} for index in range(draw(st.integers(1, 3)))
        ]
    elif design["order"] != "graeco_latin":
        by = st.fixed_dictionaries({"block_by": st.sampled_from(["prompt", "condition"])})
        parts = [{"key": "first", "prompts": prompts[:1]}, {"key": "rest", "prompts": prompts[1:]}]
        design |= draw(st.just({}) | by | st.just({"blocks": parts[: len(prompts)]}))
        if "blocks" in design or "block_by" in design:
            design |= draw(_optional(block_order=st.sampled_from(["williams", "latin", "random", "fixed"])))
    pairs = []
    if cells == "pairs":
        couples = [{"prompt": prompt, "conditions": conditions} for prompt in prompts]
        more = [{"prompt": prompt, "conditions": [*two]} for prompt in prompts for two in combinations(conditions, 2)]
        pairs = couples + (
            draw(st.lists(st.sampled_from(more), max_size=2, unique_by=str)) if len(conditions) > 2 else []
        )
    elif cells != "assigned" and len(conditions) > 1 and draw(st.booleans()):
        pairs = [{"prompt": prompts[0], "conditions": draw(st.permutations(conditions))}]
    comparison = draw(_optional(labels=st.just("numbers"), random_order=st.booleans(), must_listen=st.booleans()))
    return {"design": design, "pairs": pairs, "comparison": comparison}


@st.composite
def _questionnaires(draw: st.DrawFn, document: dict[str, Any]) -> list[dict[str, Any]]:
    moments = [*WITHOUT_TALKS]
    if document["kind"] == "planned":
        moments += [*OF_TALKS, "before_playback", *(["after_pair"] if document["pairs"] else [])]
    questionnaires = []
    for number, moment in enumerate(draw(st.lists(st.sampled_from(moments), max_size=4))):
        items = [draw(_item(f"q{number}_{index}", moment, document)) for index in range(draw(st.integers(1, 4)))]
        if len(items) > 1 and "options" in items[0] and isinstance(items[0]["options"], list):
            rule = {"item": items[0]["key"], "equals": items[0]["options"][0]["key"]}
            items[-1]["show_if"] = {draw(st.sampled_from(["all", "any"])): [rule]}
        questionnaire = {"key": f"q{number}", "at": moment, "items": items, "random_order": draw(st.booleans())}
        analytical = [prompt["key"] for prompt in document["prompts"] if prompt.get("study_role") != "practice"]
        if moment in OF_TALKS and draw(st.booleans()):
            inserted = draw(_item(f"q{number}_inserted", moment, document))
            after = draw(st.sampled_from(items))["key"]
            questionnaire["insertions"] = [{"insert_after": after, "prompts": analytical[:1], "items": [inserted]}]
        questionnaires.append({**questionnaire, **draw(_optional(title=lines, intro=texts))})
    return questionnaires


@st.composite
def _item(draw: st.DrawFn, key: str, moment: str, document: dict[str, Any]) -> dict[str, Any]:
    options = [{"key": f"o{index}", "label": draw(lines)} for index in range(draw(st.integers(1, 3)))]
    ends = {"low": draw(lines), "high": draw(lines)}
    analytical = [prompt for prompt in document["prompts"] if prompt.get("study_role") != "practice"]
    low, high = sorted((draw(st.floats(-1e6, 1e6)), draw(st.floats(-1e6, 1e6))))
    kinds: list[dict[str, Any]] = [
        {"type": "single_choice", "options": options, "expect": "o0", "random_order": True},
        {"type": "multiple_choice", "options": options, "min_choices": 1, "max_choices": len(options)},
        {"type": "likert", **ends, "points": 5, "extra": options, "reverse": True},
        {"type": "likert", **ends, "expect": 3},
        {"type": "visual_analogue", **ends, "extra": options},
        {"type": "semantic_differential", "rows": [{"key": "warm", **ends}, {"key": "near", **ends, "reverse": True}]},
        {"type": "self_assessment_manikin", "dimension": "arousal", "points": 5},
        {"type": "number", "min": low, "max": high, "unit": draw(lines)},
        {"type": "number", "whole": True},
        {"type": "short_text", "max_length": 50},
        {"type": "long_text"},
        {"type": "switch", "yes": draw(lines), "no": draw(lines)},
        {"type": "date", "min": "2020-02-29", "max": "2026-12-31"},
    ]
    if len(analytical) > 1:
        kinds.append({"type": "multiple_choice", "options": "scenarios", "other": draw(lines)})
    if moment in ("after_trial", "playback"):
        kinds.append({"type": "playback", "max_duration_sec": 2.5, "max_plays": 2, "start_sec": 1})
    if moment == "after_pair":
        kinds.append({"type": "preference", "no_difference": draw(st.booleans())})
    if draw(st.booleans()):
        return {"type": "notice", "key": key, "text": draw(texts)}
    shared = {"key": key, "text": draw(lines), "required": draw(st.booleans()), **draw(_optional(note=lines))}
    return {**shared, **draw(st.sampled_from(kinds))}


@st.composite
def _spreading(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    choices = [
        item
        for questionnaire in document["questionnaires"]
        if questionnaire["at"] in BEFORE_TALKS
        for item in questionnaire["items"]
        if item["type"] == "single_choice"
    ]
    allocation: dict[str, Any] = {"lease_min": draw(st.integers(5, 1_000))}
    if choices:
        by = draw(st.sampled_from(choices))
        allocation["strata"] = [by["key"]]
        allocation["method"] = draw(st.sampled_from(["blocks", "minimisation"]))
        if draw(st.booleans()):
            allocation["by"] = by["key"]
            allocation["groups"] = [{"key": "first", "for_answers": ["o0"]}, {"key": "rest"}]
        quota = {"key": "some", "max": 5, "when": {"all": [{"item": by["key"], "none_of": ["o0"]}]}}
        return {"allocation": allocation, "quotas": [quota, {"key": "all", "max": 100}]}
    return {"allocation": {**allocation, "method": draw(st.sampled_from(["blocks", "random"]))}}


@st.composite
def _finished(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """With what surrounds the talks, and every text in a second language."""
    document["questionnaires"].sort(key=lambda questionnaire: MOMENTS.index(questionnaire["at"]))
    headphones = {"method": "antiphase", "trials": 8, "pass_at": draw(st.integers(1, 8))}
    document |= {"title": draw(lines), "summary": draw(lines), "welcome": draw(texts), "debrief": draw(texts)}
    document |= draw(
        _optional(
            duration_min=st.integers(1, 600),
            match_delay=st.booleans(),
            hear_yourself=st.sampled_from(["off", "preview", "live"]),
            stopping=st.just({"completed": 10, "until": "2026-12-31"}),
            retention=st.just({"days": 30, "on_withdrawal": "keep"}),
            device_check=st.just({"headphones": headphones, "min_snr_db": draw(st.floats(0, 60)), "on_fail": "block"}),
            recruiter=st.just({"service": "prolific", "codes": {"completed": "C1", "screened_out": "C2"}}),
        )
    )
    if draw(st.booleans()):
        given = texts_of(parse(document))
        document |= {"languages": ["en", "no"], "translations": {"no": {path: draw(lines) for path in given}}}
    return document


def _optional(**fields: st.SearchStrategy[Any] | None) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the fields."""
    return st.fixed_dictionaries({}, optional={name: values for name, values in fields.items() if values is not None})
