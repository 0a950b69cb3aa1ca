"""Hearing the participant: detecting speech, the end of a turn and the words."""
