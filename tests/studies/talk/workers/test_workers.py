"""What inference workers report, and which of them a take is given to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from inference.contract.catalog import ENGINES, Entry
from inference.contract.errors import NoWorker, TokenError
from inference.contract.tokens import HEARTBEAT, sign
from studies.errors import TakeRefused
from studies.models import InferenceWorker, Session, Study, Take, Trial
from studies.talk import takes
from studies.talk.workers import reports, tokens
from studies.talk.workers.needs import Needs, converters_of, needs_of, obstacle_at
from tests.studies.factories import make_worker

CONVERTERS = ["none", "transform"]
NEEDS = Needs("cascade", frozenset(CONVERTERS), third_party=False, test_models=False)
LOCAL = ("cascade", "none")
ABLE: dict[str, Any] = {"engines": {"cascade": {}}, "converters": CONVERTERS, "slots": 2, "free_slots": 2}


def report(**fields: Any) -> dict[str, Any]:
    shown = {"name": "gpu-1", "address": "ws://127.0.0.1:8700", "engines": {"cascade": {"version": "1"}}}
    return {**shown, "converters": CONVERTERS, "slots": 4, "free_slots": 3, "queue_length": 0, **fields}


def beat(text: str) -> int:
    return Client(enforce_csrf_checks=True).post(reverse("heartbeat"), text, content_type="text/plain").status_code


def test_heartbeat_is_stored_and_kept_fresh(transactional_db: None) -> None:
    assert beat(sign(HEARTBEAT, report(step_ms_p95=None), settings.WORKER_SECRET)) == 204
    steps = {"step_ms_p50": 3.0, "step_ms_p95": 3.5, "step_ms_p99": 9.25, "late_steps": 2, "occupancy": 1.5}
    state = {"free_slots": 1, "accepting": False, "draining": True}
    assert beat(sign(HEARTBEAT, report(**steps, **state), settings.WORKER_SECRET)) == 204
    worker = InferenceWorker.objects.get()
    assert {name: getattr(worker, name) for name in steps | state} == steps | state


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", sign(HEARTBEAT, report(), "another secret of the same length"), "x" * 300_000],
    ids=["empty", "nonsense", "signed by another", "too long"],
)
def test_heartbeat_that_is_none(transactional_db: None, text: str) -> None:
    assert beat(text) in {403, 413}
    assert not InferenceWorker.objects.exists()


def test_heartbeat_that_was_heard_is_not_heard_again(transactional_db: None) -> None:
    old = sign(HEARTBEAT, report(free_slots=3), settings.WORKER_SECRET)
    assert beat(old) == 204
    assert beat(sign(HEARTBEAT, report(free_slots=0, draining=True), settings.WORKER_SECRET)) == 204
    tokens.reader.cache_clear()  # as in another web process
    assert beat(old) == 403
    assert InferenceWorker.objects.get().draining


def test_heartbeat_of_long_life_is_none(transactional_db: None) -> None:
    assert beat(sign(HEARTBEAT, report(), settings.WORKER_SECRET, ttl_sec=10 * 365 * 86_400)) == 403


class AwayCache:
    """A cache whose server cannot be reached."""

    def add(self, *_: object, **__: object) -> bool:
        raise ConnectionError("refused")


def test_workers_are_heard_while_the_cache_is_away(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "cache", AwayCache())
    text = sign(HEARTBEAT, report(), settings.WORKER_SECRET)
    assert [beat(text), beat(text)] == [204, 403]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"slots": 2**70}, "slots"),
        ({"slots": 2**31}, "slots"),
        ({"free_slots": 10**400}, "free_slots"),
        ({"queue_length": 2**63}, "queue_length"),
        ({"late_steps": 2**63}, "late_steps"),
        ({"latency_samples": {"transform": 2**70}}, "latency_samples.transform"),
        ({"name": "gpu\x001"}, "name"),
        ({"name": "gpu\ud800"}, "name"),
        ({"address": "ws://a\x00b"}, "address"),
        ({"engines": {"cascade": {"version": "\x00"}}}, "engines"),
        ({"converters": ["no\x00ne"]}, "converters"),
        ({"slots": -1}, "slots"),
    ],
)
def test_signed_report_that_says_what_cannot_be_is_a_bad_request(
    transactional_db: None, wrong: dict[str, Any], field: str
) -> None:
    text = sign(HEARTBEAT, report(**wrong), settings.WORKER_SECRET)
    answer = Client().post(reverse("heartbeat"), text, content_type="text/plain")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_report")
    assert answer.json()["message"].startswith(f"The report is not taken: {field}: ")
    assert not InferenceWorker.objects.exists()


def test_report_may_count_as_far_as_the_database(transactional_db: None) -> None:
    most = {"slots": 2**31 - 1, "free_slots": 2**31 - 1, "queue_length": 2**31 - 1, "late_steps": 2**63 - 1}
    assert beat(sign(HEARTBEAT, report(**most), settings.WORKER_SECRET)) == 204
    assert InferenceWorker.objects.values(*most).get() == most


@pytest.mark.parametrize(
    "wrong",
    [{"slots": -1}, {"name": ""}, {"address": "http://x"}, {"engines": []}, {"free_slots": "3"}, {"step_ms_p99": -1.0}],
)
def test_heartbeat_with_wrong_fields(transactional_db: None, wrong: dict[str, Any]) -> None:
    with pytest.raises(TokenError):
        reports.record_heartbeat(sign(HEARTBEAT, report(**wrong), settings.WORKER_SECRET))


def test_pick_takes_the_least_loaded_that_can_and_is_there(transactional_db: None) -> None:
    able: dict[str, Any] = {"engines": {"cascade": {}}, "converters": CONVERTERS, "slots": 2}
    make_worker("stale", free_slots=9, seen_ago_sec=settings.WORKER_STALE_SEC + 1, **able)
    make_worker("other engine", free_slots=9, **{**able, "engines": {"echo": {}}})
    make_worker("no converter", free_slots=9, **{**able, "converters": ["none"]})
    make_worker("a", address="ws://a:1", free_slots=1, **able)
    make_worker("b", address="ws://b:1", free_slots=2, **able)
    picked = [reports.pick(NEEDS).address for _ in range(5)]
    assert picked == ["ws://b:1", "ws://a:1", "ws://b:1", "ws://a:1", "ws://b:1"]  # the last two wait in line


def test_pick_without_any(transactional_db: None) -> None:
    make_worker("other engine", engines={"echo": {}})
    with pytest.raises(NoWorker):
        reports.pick(NEEDS)


def test_worker_that_accepts_nobody_is_picked_only_when_nothing_else_serves(transactional_db: None) -> None:
    make_worker("overloaded", accepting=False, **ABLE)
    assert reports.find(NEEDS).name == "overloaded"
    make_worker("full", **{**ABLE, "free_slots": 0}, queue_length=7)
    assert reports.find(NEEDS).name == "full"


def test_worker_that_stops_is_never_picked_and_its_successor_waited_for(transactional_db: None) -> None:
    make_worker("stopping", accepting=False, draining=True, **ABLE)
    with pytest.raises(NoWorker):
        reports.find(NEEDS)
    assert reports.is_served(NEEDS, within_sec=60)


def snapshot(**fields: Any) -> dict[str, Any]:
    return {**ABLE, "engines": {"cascade": fields}}


def test_conversation_moves_only_to_the_same_weights_with_a_free_slot(transactional_db: None) -> None:
    same = snapshot(fingerprint="abc")
    make_worker("leaving", address="ws://leaving:1", draining=True, accepting=False, **same)
    make_worker("twin", address="ws://twin:1", **same)
    make_worker("better twin", address="ws://better:1", **{**same, "free_slots": 3})
    make_worker("full twin", address="ws://full:1", **{**same, "free_slots": 0})
    make_worker("overloaded twin", address="ws://over:1", accepting=False, **same)
    make_worker("silent twin", address="ws://silent:1", seen_ago_sec=60, **same)
    make_worker("abroad", address="ws://abroad:1", **snapshot(fingerprint="abc", third_party=True))
    make_worker("other weights", address="ws://other:1", **snapshot(fingerprint="abd"))
    make_worker("no fingerprint", address="ws://none:1", **snapshot())
    found = reports.find_twins(NEEDS, "abc", "ws://leaving:1")
    assert [worker.name for worker in found] == ["better twin", "twin"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, ""),
        ({"engines": {"echo": {}}}, "does not run cascade"),
        ({"converters": ["none"]}, "has no converter transform"),
        (
            snapshot(third_party=True),
            "sends the voice for cascade to a third party, without a consent to that (third_party)",
        ),
        (
            snapshot(test_only=True),
            "runs cascade with random weights, for tests only (test_only), and the study is open",
        ),
        ({"engines": {"cascade": "a snapshot that is none"}}, ""),
        (
            {"converters": {"none": {}, "transform": {"third_party": True}}},
            "sends the voice for transform to a third party, without a consent to that (third_party)",
        ),
        ({"converters": {"none": {}, "transform": {"third_party": False}, "remote_vc": {"third_party": True}}}, ""),
    ],
)
def test_worker_that_is_not_used_says_why(fields: dict[str, Any], problem: str) -> None:
    assert obstacle_at(NEEDS, InferenceWorker(**{**ABLE, **fields})) == problem


def test_worker_abroad_is_used_with_consent_and_random_weights_where_allowed() -> None:
    abroad, random = InferenceWorker(**snapshot(third_party=True)), InferenceWorker(**snapshot(test_only=True))
    lenient = replace(NEEDS, third_party=True, test_models=True)
    assert (obstacle_at(lenient, abroad), obstacle_at(lenient, random)) == ("", "")


@pytest.mark.parametrize(
    ("engine", "converter", "snapshots", "problem"),
    [
        ("cascade", "remote_vc", {"third_party": True}, "remote_vc"),
        ("cascade", "remote_vc", {"third_party": False}, ""),
        ("cascade", "remote_vc", {}, "remote_vc"),
        ("moshi_server", "none", {}, "moshi_server"),
        ("moshi_server", "none", {"third_party": False}, ""),
        ("openai_realtime", "none", {"third_party": False}, "openai_realtime"),
    ],
)
def test_what_may_send_the_voice_away_does_so_unless_it_says_that_it_does_not(
    engine: str, converter: str, snapshots: dict[str, Any], problem: str
) -> None:
    told = {"cascade": {}, "none": {}, **{name: snapshots for name in (engine, converter) if name not in LOCAL}}
    worker = InferenceWorker(engines={engine: told[engine]}, converters={converter: told[converter]})
    found = obstacle_at(replace(NEEDS, engine=engine, converters=frozenset({converter})), worker)
    assert found == (
        problem and f"sends the voice for {problem} to a third party, without a consent to that (third_party)"
    )


def test_converter_that_only_has_a_name_is_taken_to_send_the_voice_away(transactional_db: None) -> None:
    older = report(converters=["none", "transform", "remote_vc"])
    assert beat(sign(HEARTBEAT, older, settings.WORKER_SECRET)) == 204
    needs = frozenset({"remote_vc"})
    assert reports.find_converting(needs, third_party=False) is None
    assert reports.find_converting(frozenset(CONVERTERS), third_party=False) == InferenceWorker.objects.get()
    assert reports.find_converting(needs, third_party=True) == InferenceWorker.objects.get()


def test_fallback_of_a_lost_converter_is_needed_too() -> None:
    become = {"converter": "remote_vc", "parameters": {}, "if_lost": "lower"}
    assert converters_of([become]) == {"remote_vc", "transform"}


def refuse_third_party(session: Session) -> None:
    session.consents.create(purpose="third_party", granted=False, document_sha256="0" * 64)


def create(session: Session) -> Any:
    return Client().post(reverse("create_take", args=[session.token, 0]))


def test_consent_and_study_say_what_a_take_may_use(session: Session, trial: Trial, settings: Any) -> None:
    assert needs_of(trial) == Needs("cascade", frozenset({"none"}), True, False)
    refuse_third_party(session)
    settings.ALLOW_TEST_MODELS = True
    assert needs_of(trial) == Needs("cascade", frozenset({"none"}), False, True)
    settings.ALLOW_TEST_MODELS = False
    trial.session.study.state = Study.State.PAUSED
    assert needs_of(trial).test_models


def test_no_take_begins_at_a_worker_abroad_without_consent(session: Session) -> None:
    make_worker(**snapshot(third_party=True))
    refuse_third_party(session)
    response = create(session)
    assert (response.status_code, response.json()["code"]) == (503, "no_worker")
    assert "not available right now" in response.json()["message"]
    assert not Take.objects.exists()


def test_no_take_of_an_open_study_begins_with_random_weights(session: Session, settings: Any) -> None:
    make_worker(**snapshot(test_only=True))
    assert create(session).json()["code"] == "no_worker"
    settings.ALLOW_TEST_MODELS = True
    assert create(session).status_code == 201


@pytest.fixture
def _cascade_abroad(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """From when the study was there."""
    monkeypatch.setitem(cast(dict[str, Entry], ENGINES), "cascade", Entry("Far", "nowhere:No", "", third_party=True))


@pytest.mark.usefixtures("_cascade_abroad")
def test_engine_of_a_third_party_needs_consent_at_the_start_and_when_the_socket_opens(
    session: Session, trial: Trial
) -> None:
    make_worker(**ABLE)
    take = takes.start_take(trial)
    ticket = takes.issue_ticket(take)
    refuse_third_party(session)
    with pytest.raises(TakeRefused) as refused:
        takes.redeem_ticket(take.pk, ticket)
    assert refused.value.code == "no_consent"
    assert create(session).json()["code"] == "no_consent"


def test_what_is_needed_follows_the_consent(session: Session, take: Take) -> None:
    assert takes.needs_now(take.pk).third_party
    refuse_third_party(session)
    assert not takes.needs_now(take.pk).third_party
    session.consents.create(purpose="record", granted=False, document_sha256="0" * 64)
    with pytest.raises(TakeRefused) as refused:
        takes.needs_now(take.pk)
    assert refused.value.code == "no_consent"


@pytest.mark.parametrize(
    ("snapshot", "voices"),
    [({"third_party": True}, []), ({}, [{"name": "none"}, {"name": "remote_vc", "third_party": True}])],
)
def test_take_does_not_go_on_with_a_third_party_that_is_no_longer_allowed(
    session: Session, take: Take, snapshot: dict[str, Any], voices: list[dict[str, Any]]
) -> None:
    assert takes.mark_live(take.pk, snapshot, voices) is True
    assert takes.mark_live(take.pk, snapshot, voices) is True  # it came back to its worker
    refuse_third_party(session)
    assert takes.mark_live(take.pk, {}, [{"name": "none"}]) is False
    with pytest.raises(TakeRefused) as refused:
        takes.mark_live(take.pk, snapshot, voices)
    assert refused.value.code == "no_consent"


def test_converter_that_is_not_as_reported_is_never_recorded(session: Session, take: Take) -> None:
    refuse_third_party(session)
    with pytest.raises(TakeRefused) as refused:
        takes.mark_live(take.pk, {}, [{"name": "remote_vc", "third_party": True}])
    assert refused.value.code == "unsuitable_worker"


@pytest.mark.parametrize("fields", [{"third_party": True}, {"test_only": True}])
def test_engine_that_is_not_as_reported_is_never_recorded(session: Session, take: Take, fields: dict[str, Any]) -> None:
    refuse_third_party(session)
    with pytest.raises(TakeRefused) as refused:
        takes.mark_live(take.pk, fields)
    assert refused.value.code == "unsuitable_worker"
    take.refresh_from_db()
    assert take.state == Take.State.PLANNED


@pytest.mark.parametrize(
    ("choices", "problem"),
    [
        ((("model", "small"),), ""),
        ((("model", "larger"),), "has no model 'larger' for cascade, only best, small"),
        ((("language", "en"), ("voice_prompt", "heart")), ""),
    ],
)
def test_worker_is_used_only_with_the_values_it_has(choices: tuple[tuple[str, str], ...], problem: str) -> None:
    worker = InferenceWorker(**{**ABLE, "engines": {"cascade": {"choices": {"model": ["best", "small"]}}}})
    assert obstacle_at(replace(NEEDS, choices=choices), worker) == problem
