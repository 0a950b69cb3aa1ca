"""Decides who cannot take part: by their answers, their device or their attention; and which quotas can be applied."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from studies.models import Session
from studies.participant.answering import answers
from studies.participant.checking.device import device_screened_out
from studies.participant.flow import Step
from studies.protocol.schema import Protocol
from studies.questions.conditions import is_true, items_of

ATTENTION = "attention"
DEVICE = "device"
RULE = "screen_out"
FIRST_RULE = "screen_out[0]"


def reason_to_end(session: Session, protocol: Protocol, listed: Sequence[Step]) -> str:
    """Returns why the session ends here, as it is stored: `screen_out[1]` for a rule by its index in the protocol,
    `device` or `attention`. Returns an empty text if the session continues."""
    if session.consent("participate") is None:
        return _failed_rule(session, protocol, listed)
    if device_screened_out(session, protocol):
        return DEVICE
    attention = protocol.attention
    # In a preview, the researcher jumps to any page without answering the questions before it.
    if attention.then == "screen_out" and session.mode != Session.Mode.PREVIEW:
        return ATTENTION if len(answers.attention_failed(session)) > attention.max_failed else ""
    return ""


def open_items(protocol: Protocol, listed: Sequence[Step]) -> set[str]:
    """Returns the keys of the items on pages that are still to come. Any other item has been answered or never will
    be."""
    coming = {step.page.key for step in listed if step.page.kind == "questions" and not step.done}
    return {item.key for each in protocol.questionnaires if each.key in coming for item in each.all_items()}


def settled_quotas(protocol: Protocol, listed: Sequence[Step]) -> Protocol:
    """Returns the protocol with only those quotas whose items have all been asked."""
    coming = open_items(protocol, listed)
    return protocol.model_copy(
        update={"quotas": [quota for quota in protocol.quotas if _is_settled(items_of(quota.when), coming)]}
    )


def message_of(protocol: Protocol, because: str) -> str:
    """Returns the study's message to participants whom this rule screened out, as Markdown; empty if it has none."""
    for index, rule in enumerate(protocol.screen_out):
        if because == _name(index):
            return rule.message or ""
    return ""


def _failed_rule(session: Session, protocol: Protocol, listed: Sequence[Step]) -> str:
    if not protocol.screen_out:
        return ""
    known = answers.known(session)
    coming = open_items(protocol, listed)
    for index, rule in enumerate(protocol.screen_out):
        if _is_settled(items_of(rule.when), coming) and is_true(rule.when, known):
            return _name(index)
    return ""


def _is_settled(items: Collection[str], coming: Collection[str]) -> bool:
    return not set(items) & set(coming)


def _name(index: int) -> str:
    return f"{RULE}[{index}]"
