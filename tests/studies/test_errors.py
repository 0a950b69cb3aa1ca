"""Every exception of the web side stands in the tree that studies/errors.py draws, below the one it is derived from."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import studies
from inference.contract.audio import SAMPLE_RATE_HZ
from studies import errors
from studies.voices import decoder

NEVER_IMPORTED = re.compile(r"^studies\.(migrations|management\.commands)\b")


def drawn() -> dict[str, str]:
    """Name -> the name that it hangs on, of all that the tree draws with a branch."""
    found: dict[str, str] = {}
    root = ""
    for line in inspect.getdoc(errors).splitlines():  # type: ignore[union-attr]  # it has one
        if branch := re.match(r"[├└]── (\w+)", line):
            found[branch.group(1)] = root
        elif top := re.match(r"(\w+)(\s{2,}|$)", line):
            root = top.group(1)
    return found


def defined() -> dict[str, str]:
    """Name -> the name of its base, of every exception that a module of ours defines."""
    found: dict[str, str] = {}
    for module in pkgutil.walk_packages(studies.__path__, "studies."):
        if NEVER_IMPORTED.match(module.name):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(value) and issubclass(value, BaseException) and value.__module__ == module.name:
                found[name] = value.__bases__[0].__name__
    return found


def test_tree_of_errors_is_complete_and_true() -> None:
    assert defined() == {"StudyError": "Exception", **drawn()}


def test_decoder_which_imports_nothing_of_ours_keeps_the_same_rate() -> None:
    assert decoder.RATE_HZ == SAMPLE_RATE_HZ
