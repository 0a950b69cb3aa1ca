"""The researchers' admin: one file per noun."""

from studies.admin import record, researcher, session, study, take, worker

__all__ = ["record", "researcher", "session", "study", "take", "worker"]
