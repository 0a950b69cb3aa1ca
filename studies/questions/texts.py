"""Texts that bots write: what breaks tables, pages and spreadsheets if it is not kept as it is."""

from __future__ import annotations

from typing import Final

TEXTS: Final = ('=1+1 <b>noted</b>, "quoted"', "-5 and Ünïcödé, 漢字", "@home; two\nlines", "nothing, really")
LINES: Final = TEXTS[:2]
