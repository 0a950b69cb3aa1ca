"""Codes for people to read and type: no letters or digits that look alike."""

from __future__ import annotations

import secrets

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def participant_code() -> str:
    """Like "P-7KQ2MX": about 30 bits, enough to be unique within a study with one retry or none."""
    return f"P-{_draw(6)}"


def completion_code() -> str:
    """Like "K7Q2MXRA": what a participant hands in as proof."""
    return _draw(8)


def _draw(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
