from __future__ import annotations

from inference.contract.options.cascade import Options
from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.voice.features import FEATURES
from inference.engines.cascade.hearing.voice.noticing import Noticed
from inference.engines.cascade.prompt import Message
from inference.engines.cascade.telling import REACTIONS, TOLD, describe_told, reaction, tell, told

MESSAGES: list[Message] = [
    {"role": "system", "content": "You guard a door."},
    {"role": "user", "content": "Let me in."},
]


def noticed(*words: str) -> Noticed:
    empty = dict.fromkeys(FEATURES)
    return Noticed(words, empty, empty, 0, "", laughs=0, sighs=0)


def test_state_chooses_the_system_prompt_and_keeps_the_persona() -> None:
    said = tell(MESSAGES, noticed("sighing"))
    assert said == [{"role": "system", "content": f"You guard a door. {TOLD['sighing']}"}, MESSAGES[1]]
    assert MESSAGES[0]["content"] == "You guard a door."


def test_nothing_noticed_changes_nothing() -> None:
    assert tell(MESSAGES, None) == tell(MESSAGES, noticed()) == MESSAGES


def test_only_the_most_telling_is_told() -> None:
    assert told(noticed("laughing", "loud", "fast")) == f"{TOLD['laughing']} {TOLD['loud']}"


def test_reaction_answers_laughs_and_sighs_alone() -> None:
    for word in TOLD:
        assert reaction(noticed(word), VoiceOptions()) == REACTIONS.get(word, "")
    assert reaction(noticed("laughing"), VoiceOptions(reactions=False)) == ""
    assert reaction(noticed("laughing"), Options()) == reaction(None, VoiceOptions()) == ""


def test_description_declares_features_thresholds_and_texts() -> None:
    plain = {"hears": ["words"], "parameters": {"min_p": 0.05, "option_defaults": {}}}
    described = describe_told(plain, VoiceOptions())
    assert described["hears"] == ["words", "voice"]
    assert described["parameters"] == {"min_p": 0.05, "option_defaults": VoiceOptions().as_json()}
    assert set(described["voice"]["features"]) == set(FEATURES)
    assert (described["voice"]["told"], described["voice"]["reactions"]) == (TOLD, REACTIONS)
    assert plain == {"hears": ["words"], "parameters": {"min_p": 0.05, "option_defaults": {}}}
