"""`{% manikin dimension point points %}`: a picture of a Self-Assessment Manikin, after the idea of Bradley & Lang
(1994): a face from frown to smile, a chest from still to bursting, a figure from small to large."""

from __future__ import annotations

from math import cos, pi, sin
from typing import Any, Final

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

register = template.Library()

WORDS: Final = {
    "valence": (
        gettext_lazy("very unpleasant"),
        gettext_lazy("rather unpleasant"),
        gettext_lazy("neither pleasant nor unpleasant"),
        gettext_lazy("rather pleasant"),
        gettext_lazy("very pleasant"),
    ),
    "arousal": (
        gettext_lazy("very calm"),
        gettext_lazy("rather calm"),
        gettext_lazy("neither calm nor excited"),
        gettext_lazy("rather excited"),
        gettext_lazy("very excited"),
    ),
    "dominance": (
        gettext_lazy("not at all in control"),
        gettext_lazy("hardly in control"),
        gettext_lazy("partly in control"),
        gettext_lazy("largely in control"),
        gettext_lazy("fully in control"),
    ),
}
BURST_RAYS: Final = 9
CHEST: Final = (30.0, 56.0)


@register.inclusion_tag("components/questions/manikin.html")
def manikin(dimension: str, point: int, points: int) -> dict[str, Any]:
    """The picture for `point` (from 1) of `points`, and its name for people who do not see it."""
    level = (point - 1) / (points - 1)
    words = WORDS[dimension][round(level * 4)]
    name = _("%(point)s of %(points)s: %(words)s") % {"point": point, "points": points, "words": words}
    brows = (level - 0.5) * 30 if dimension == "valence" else 0
    excited = level if dimension == "arousal" else 0.4
    return {
        "name": name,
        "scale": f"{0.4 + 0.6 * level if dimension == 'dominance' else 1:.3f}",
        "mouth": _mouth(level if dimension == "valence" else 0.5),
        "brows": f"{brows:.1f}",
        "brows_mirrored": f"{-brows:.1f}",
        "eyes": None if dimension == "arousal" and level < 0.2 else f"{1.3 + 1.5 * max(0.0, excited - 0.4):.2f}",
        "burst": _burst(level) if dimension == "arousal" else "",
    }


@register.simple_tag
def manikin_pole(dimension: str, end: int) -> str:
    """What the pictures begin (0) or end (-1) with, in words."""
    return str(WORDS[dimension][end])


def _mouth(level: float) -> str:
    """From frown (0) to smile (1)."""
    bend = (level - 0.5) * 18
    return f"M23 {25 - bend / 4:.2f}Q30 {25 + bend:.2f} 37 {25 - bend / 4:.2f}"


def _burst(level: float) -> str:
    """A star on the chest, from a point to one that is larger than the chest."""
    outer, inner = 2 + 15 * level, 1.5 + 6.5 * level
    corners = [
        (radius, (2 * ray + half) * pi / BURST_RAYS - pi / 2)
        for ray in range(BURST_RAYS)
        for half, radius in ((0, outer), (1, inner))
    ]
    return " ".join(f"{CHEST[0] + r * cos(angle):.1f},{CHEST[1] + r * sin(angle):.1f}" for r, angle in corners)
