"""The researchers' admin, with one file per noun."""

from studies.admin import record, researcher, session, study, take, voice, worker

__all__ = ["record", "researcher", "session", "study", "take", "voice", "worker"]
