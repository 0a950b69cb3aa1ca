"""The nouns. Fields, constraints and choices only; verbs are functions in the packages beside this one."""

from studies.models.answer import Answer, Judgement
from studies.models.record import AccessLog, ErasureReceipt, Export
from studies.models.session import AllocationSlot, ConsentEvent, Participant, Session
from studies.models.study import Condition, Prompt, ProtocolVersion, Study
from studies.models.take import EngineSnapshot, Metric, Take, Track, Trial, Utterance, VoiceSnapshot
from studies.models.voice import PinnedVoice, TargetVoice, TargetVoiceVersion
from studies.models.worker import InferenceWorker

__all__ = [
    "AccessLog",
    "AllocationSlot",
    "Answer",
    "Condition",
    "ConsentEvent",
    "EngineSnapshot",
    "ErasureReceipt",
    "Export",
    "InferenceWorker",
    "Judgement",
    "Metric",
    "Participant",
    "PinnedVoice",
    "Prompt",
    "ProtocolVersion",
    "Session",
    "Study",
    "Take",
    "TargetVoice",
    "TargetVoiceVersion",
    "Track",
    "Trial",
    "Utterance",
    "VoiceSnapshot",
]
