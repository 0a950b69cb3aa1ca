from __future__ import annotations

from typing import Any, cast

import pytest
from django.core.exceptions import ValidationError

from inference.contract.catalog import CONVERTERS, Entry
from inference.contract.latency import transform_latency_samples
from inference.contract.parameters import PARAMETERS
from studies.errors import FrozenError, ProtocolError
from studies.models import InferenceWorker, ProtocolVersion, Study
from studies.protocol.reading.document import parse, sha256_of
from studies.protocol.schema import Protocol
from studies.publish import open_study, protocol_of, publish
from tests.studies.factories import make_worker, years_ahead
from tests.studies.protocol.documents import explore, paired

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    return Study.objects.create(slug="voices", title="Voices")


def test_version_has_the_document_its_hash_prompts_and_conditions(study: Study) -> None:
    protocol = parse(paired())
    version = publish(study, protocol)
    assert (version.number, version.sha256) == (1, sha256_of(protocol))
    assert protocol_of(version) == protocol
    assert list(version.prompts.values_list("key", "limit_sec")) == [("weekend", 30)]
    assert list(version.conditions.values_list("key", "engine")) == [("own", "cascade"), ("higher", "cascade")]


def test_voice_of_a_condition_is_spelt_out(study: Study) -> None:
    higher = publish(study, parse(paired())).conditions.get(key="higher")
    assert higher.voices == [
        {
            "converter": "transform",
            "preset": "higher",
            "parameters": {"f0_ratio": 1.7, "formant_ratio": 1.17},
            "start_sec": 0,
            "end_sec": None,
        }
    ]


def test_explore_study_gets_a_condition_for_every_engine_and_voice(study: Study) -> None:
    conditions = publish(study, parse(explore())).conditions
    assert list(conditions.values_list("key", "label")) == [("cascade--own", "Own"), ("cascade--higher", "Higher")]


def test_publishing_the_same_again_makes_no_new_version(study: Study) -> None:
    first = publish(study, parse(paired()))
    assert publish(study, parse(paired())) == first
    assert publish(study, parse(paired(debrief="New."))).number == 2


def test_published_version_is_frozen(study: Study) -> None:
    version = publish(study, parse(paired()))
    version.sha256 = "0" * 64
    with pytest.raises(FrozenError):
        version.save()


def test_published_version_is_read_though_the_rules_are_stricter_since() -> None:
    document = paired(prompts=[*paired()["prompts"], {"key": "unused", "title": "Unused", "card": "Nothing."}])
    with pytest.raises(ProtocolError):
        parse(document)
    assert [prompt.key for prompt in protocol_of(ProtocolVersion(document=document)).prompts] == ["weekend", "unused"]


def test_version_that_cannot_be_read_names_its_problems() -> None:
    with pytest.raises(ProtocolError) as refused:
        protocol_of(ProtocolVersion(document=paired(pairs="none")))
    assert [problem.path for problem in refused.value.problems] == ["pairs"]


def test_engine_for_tests_is_not_published(study: Study) -> None:
    document = paired()
    document["conditions"][0]["engine"] = "echo"
    with pytest.raises(ProtocolError, match=r"conditions\[0\].engine: Echo is for tests"):
        publish(study, parse(document))
    assert study.versions.count() == 0


def test_study_opens_only_with_an_ethics_reference(study: Study) -> None:
    with pytest.raises(ValidationError, match="Give an ethics reference"):
        open_study(study, ethics_reference="", retention_until=years_ahead())


MATCHED = transform_latency_samples(60)


def test_conditions_are_equally_late_as_the_slowest(study: Study) -> None:
    conditions = publish(study, parse(paired())).conditions
    assert list(conditions.values_list("key", "latency_samples")) == [("own", MATCHED), ("higher", MATCHED)]


def test_conditions_are_as_late_as_they_are_where_the_protocol_says_so(study: Study) -> None:
    conditions = publish(study, parse(paired(match_delay=False))).conditions
    assert set(conditions.values_list("latency_samples", flat=True)) == {None}


def test_delay_that_changed_makes_a_new_version(study: Study, remote: str) -> None:
    protocol = in_remote_voice(remote)
    make_worker("slow", latency_samples={remote: 9_600})
    make_worker("quick", latency_samples={remote: 7_200})
    first = publish(study, protocol)
    assert set(first.conditions.values_list("latency_samples", flat=True)) == {9_600}
    assert publish(study, protocol) == first
    InferenceWorker.objects.filter(name="slow").update(latency_samples={remote: 12_000})
    second = publish(study, protocol)
    assert (second.number, second.conditions.get(key="own").latency_samples) == (2, 12_000)


def test_delay_that_nobody_knows_is_not_published(study: Study, remote: str) -> None:
    make_worker()
    with pytest.raises(ProtocolError, match=r"conditions\[1\]\.voices\[0\]: how late remote is"):
        publish(study, in_remote_voice(remote))


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> str:
    """A converter whose parameters do not tell how late it is."""
    monkeypatch.setitem(cast(dict[str, Any], CONVERTERS), "remote", Entry("Remote", "nowhere:No", ""))
    monkeypatch.setitem(cast(dict[str, Any], PARAMETERS), "remote", {})
    return "remote"


def in_remote_voice(remote: str) -> Protocol:
    document = paired()
    document["conditions"][1]["voices"] = [{"converter": remote}]
    return parse(document)
