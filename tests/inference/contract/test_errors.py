"""Every exception of the speech side stands in the tree that errors.py draws."""

from __future__ import annotations

import ast
import builtins
import re

from inference.contract import errors
from inference.contract.settings import ROOT

BUILTIN = {name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)}


def drawn() -> dict[str, str]:
    """Error -> its parent, as the tree shows them."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"((?:│   |    )*)(?:[├└]── )?([A-Z]\w+)(?: {2,}|$)", line)
        if found:
            depth = len(found[1]) // 4 + ("──" in line)
            above[depth:] = [found[2]]
            parents[found[2]] = above[depth - 1] if depth else "Exception"
    return parents


def declared() -> dict[str, str]:
    """Error -> its parent, as the modules of inference declare them."""
    bases: dict[str, str] = {}
    for file in (ROOT / "inference").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and node.bases:
                bases[node.name] = ast.unparse(node.bases[0]).rpartition(".")[2]

    def is_exception(name: str) -> bool:
        return name in BUILTIN or (name in bases and bases[name] != name and is_exception(bases[name]))

    return {name: base for name, base in bases.items() if is_exception(name)}


def test_every_exception_stands_in_the_tree_below_its_parent() -> None:
    assert drawn() == declared()


def test_codes_tell_errors_apart() -> None:
    codes = [error.code for error in errors.InferenceError.__subclasses__()]
    assert len(codes) == len(set(codes))
