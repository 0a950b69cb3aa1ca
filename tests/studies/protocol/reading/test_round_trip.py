"""YAML -> model -> YAML is the identity, for any protocol."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings

from studies.protocol.reading.document import parse, parse_yaml, sha256_of, to_document, to_yaml
from studies.protocol.schema import Protocol
from tests.extent import examples
from tests.studies.protocol.strategies import protocols

any_protocol = settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))


@any_protocol
@given(protocols())
def test_yaml_reads_back_as_the_same_protocol_and_is_written_the_same_again(protocol: Protocol) -> None:
    text = to_yaml(protocol)
    read = parse_yaml(text)
    assert read == protocol
    assert to_yaml(read) == text


@any_protocol
@given(protocols())
def test_json_in_any_order_of_keys_reads_back_with_the_same_hash(protocol: Protocol) -> None:
    sorted_keys = json.loads(json.dumps(to_document(protocol), sort_keys=True))
    read = parse(sorted_keys)
    assert (read, sha256_of(read)) == (protocol, sha256_of(protocol))
