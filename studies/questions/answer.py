"""What an answer is, as it is kept. Each type says which of these its own answers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Answer = bool | int | float | str | Sequence[str | Mapping[str, str]] | Mapping[str, str | float] | None
"""None means that there is no answer, or that it was taken back."""
Score = float | Mapping[str, float | None] | None
"""What an answer counts for: a number, or a number for each row."""
