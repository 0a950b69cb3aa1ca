"""What the rules let pass can be planned."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studies.design.arms import arm_count
from studies.design.plan import plan_trials
from studies.protocol.reading.document import parse
from studies.protocol.schema import Protocol
from tests.extent import examples
from tests.studies.protocol.strategies import planned_documents


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(protocol=planned_documents().map(parse), data=st.data())
def test_every_arm_of_any_valid_study_has_its_talks(protocol: Protocol, data: st.DataObject) -> None:
    arm = data.draw(st.integers(0, arm_count(protocol) - 1))
    trials = plan_trials(protocol, arm, seed=1)
    assert sum(trial.practice for trial in trials) == len(protocol.practice)
    assert sum(not trial.practice for trial in trials) == protocol.talk_count
