"""Conditions on answers."""

from __future__ import annotations

from studies.protocol.base import Strict

Value = str | int | float | bool


class Rule(Strict):
    """True when the answer to `item` is as said, by one test alone (but `at_least` and `at_most` may make a range). An
    item that was not answered, or not asked, makes it false, except for `answered: false` and `none_of`. Of an item
    with several answers (multiple choice), any one of them counts."""

    item: str
    """Key of an item that is asked earlier; `item.row` for a row of a semantic differential."""
    equals: Value | None = None
    """The answer is this one."""
    one_of: list[Value] | None = None
    """The answer is one of these."""
    none_of: list[Value] | None = None
    """The answer is none of these, or there is none."""
    at_least: float | None = None
    """The answer is a number, and no smaller."""
    at_most: float | None = None
    """The answer is a number, and no larger."""
    answered: bool | None = None
    """There is an answer (true), or there is none (false)."""


class When(Strict):
    """True when all rules under `all` are and, if there are any under `any`, at least one of those."""

    all: list[Rule] = []
    """Every one of these rules holds."""
    any: list[Rule] = []
    """At least one of these rules holds."""
