"""The nouns of the app. They hold fields, constraints and choices only; verbs are functions in the packages beside this
one."""

from studies.models.answer import Answer, Judgement
from studies.models.record import AccessLog, Erasure, ErasureReceipt, Export
from studies.models.session import (
    AllocationSlot,
    ConsentDocument,
    ConsentEvent,
    PageLog,
    Participant,
    RecruiterIdentity,
    Session,
)
from studies.models.study import Condition, Prompt, ProtocolVersion, Study, StudyDraft
from studies.models.take import EngineSnapshot, Metric, Take, Track, Trial, Utterance, VoiceSnapshot
from studies.models.voice import PinnedVoice, TargetVoice, TargetVoiceVersion
from studies.models.worker import InferenceWorker

__all__ = [
    "AccessLog",
    "AllocationSlot",
    "Answer",
    "Condition",
    "ConsentDocument",
    "ConsentEvent",
    "EngineSnapshot",
    "Erasure",
    "ErasureReceipt",
    "Export",
    "InferenceWorker",
    "Judgement",
    "Metric",
    "PageLog",
    "Participant",
    "PinnedVoice",
    "Prompt",
    "ProtocolVersion",
    "RecruiterIdentity",
    "Session",
    "Study",
    "StudyDraft",
    "Take",
    "TargetVoice",
    "TargetVoiceVersion",
    "Track",
    "Trial",
    "Utterance",
    "VoiceSnapshot",
]
