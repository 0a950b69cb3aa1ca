"""YAML for people: read by the rules of YAML 1.2, which browsers' editors follow too, and written so that readers of
1.1 and 1.2 agree.

By YAML 1.1 `no` is false, `12:30` is 750 and `2026-12-31` is no text; by 1.2 they are what they look like."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import yaml

from studies.errors import Problem, ProtocolError
from studies.protocol.base import Place
from studies.protocol.reading.problems import path_of

MAX_CHARACTERS: Final = 500_000
WIDTH: Final = 110
LONGEST_FLOW: Final = 80
_TAG: Final = "tag:yaml.org,2002:"
PLAINER: Final = {
    "found character '\\t' that cannot start any token": "a tab; use spaces, which alone may indent lines",
    "mapping values are not allowed here": "a colon that is not expected here; put the text around it in quotes, or "
    "mend how far the line is indented",
    "found unhashable key": "a key that is a list or a block; write a word, or put braces and brackets in quotes",
    "but found another document": "another document begins here (---); put each study into a file of its own",
    "expected <block end>, but found '<scalar>'": "text that is not expected here; is a quotation mark missing, or is "
    "one left over?",
    "expected <block end>, but found '<block mapping start>'": "the line is indented further than those it belongs to",
    "expected <block end>, but found '-'": "the - is not indented as far as those of the list above it",
    "could not find expected ':'": "a key without a colon; is the line indented as far as the text it belongs to?",
}
"""What PyYAML says: what a researcher can do about it."""
_PARENT: Final = re.compile(r"(\.[^.\[\]]*|\[[^\[\]]*\])$")
# https://yaml.org/spec/1.2.2/#103-core-schema
_CORE: Final = {
    "null": (r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    "bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "int": (r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    "float": (
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+.0123456789"),
    ),
}


@dataclass(frozen=True)
class Read:
    """What a text says as plain data, and where in it. `problems`: keys that stand twice, of which the last counts."""

    data: Any
    _marks: Mapping[str, tuple[int, int]] = field(repr=False)
    problems: tuple[Problem, ...] = ()

    def place_of(self, path: str) -> tuple[int, int]:
        """(line, column), both from 1, of the key or list item that `path` names; of the innermost one around it when
        it is not there."""
        while path and path not in self._marks:
            shorter = _PARENT.sub("", path)
            path = shorter if shorter != path else ""
        return self._marks.get(path, (1, 1))

    def located(self, problem: Problem) -> Problem:
        line, column = self.place_of(problem.path)
        return Problem(problem.path, problem.message, line, column)


def read(text: str) -> Read:
    """Raises ProtocolError with the line where the text is not YAML, or uses aliases and tags, which no study needs (a
    few lines of aliases can mean billions of nodes)."""
    if len(text) > MAX_CHARACTERS:
        raise ProtocolError([Problem("", f"is {len(text):,} characters long; expected at most {MAX_CHARACTERS:,}")])
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Read(None, {})
        marks: dict[str, tuple[int, int]] = {}
        _mark(node, (), marks)
        return Read(loader.construct_document(node), marks, tuple(loader.twice))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        why = error.problem or error.context or ""
        raise _not_yaml(PLAINER.get(why, why), line, column) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _not_yaml(f"a character that cannot be shown (U+{ord(text[error.position]):04X})", line, 1) from None
    except RecursionError:
        raise _not_yaml("it is nested too deeply", 1, 1) from None


def write(document: object) -> str:
    """YAML that reads back as the same document; texts of several lines, and long ones, as blocks."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def _not_yaml(why: str, line: int, column: int) -> ProtocolError:
    return ProtocolError([_problem(why, line, column)])


def _problem(why: str, line: int, column: int) -> Problem:
    return Problem(f"line {line}", f"is not valid YAML: {why}", line, column)


def _mark(node: yaml.Node, place: Place, marks: dict[str, tuple[int, int]]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            marks[path_of((*place, index))] = _of(item)
            _mark(item, (*place, index), marks)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                marks[path_of((*place, key.value))] = _of(key)
                _mark(value, (*place, key.value), marks)


def _of(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Loader(yaml.SafeLoader):
    """Knows the core schema of YAML 1.2 alone."""

    yaml_implicit_resolvers: dict[Any, Any] = {}
    yaml_constructors: ClassVar[dict[Any, Any]] = {}
    _in_plain = False

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.twice: list[Problem] = []

    def scan_plain(self) -> Any:
        """Text without quotes. By YAML 1.1 no ? may stand in it between braces, as in `{text: Why?}`."""
        self._in_plain = True
        try:
            return super().scan_plain()
        finally:
            self._in_plain = False

    def peek(self, index: int = 0) -> str:
        """The next character, or one after it; a ? within text as any other letter."""
        character = str(super().peek(index))
        return "x" if character == "?" and self._in_plain else character

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*) are not allowed; write it out", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is not None and key in seen:
                self.twice.append(_problem(f"{key!r} stands twice", *_of(key_node)))
            seen.add(key)
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge keys (<<) are of YAML 1.1."""

    def number(self, node: yaml.ScalarNode) -> int | float:
        """Raises MarkedYAMLError."""
        text = str(self.construct_scalar(node)).lower()
        try:
            if node.tag == f"{_TAG}float":
                return float(text.replace(".inf", "inf").replace(".nan", "nan"))
            return int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
        except ValueError:  # tagged as one, or of more digits than Python converts
            short = repr(text) if len(text) <= LONGEST_FLOW else f"what begins with {text[:20]!r}"
            problem = f"{short} is no number" + ("" if len(text) <= LONGEST_FLOW else f" ({len(text):,} characters)")
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None

    def truth(self, node: yaml.ScalarNode) -> bool:
        return str(self.construct_scalar(node)).lower() == "true"

    def nothing(self, node: yaml.ScalarNode) -> None:
        self.construct_scalar(node)

    def unknown(self, node: yaml.Node) -> None:
        problem = f"the tag {node.tag!r} is not allowed; write the value plainly"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


for _name, (_pattern, _first) in _CORE.items():
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(_pattern), _first)
_Loader.add_constructor(f"{_TAG}null", _Loader.nothing)
_Loader.add_constructor(f"{_TAG}bool", _Loader.truth)
_Loader.add_constructor(f"{_TAG}int", _Loader.number)
_Loader.add_constructor(f"{_TAG}float", _Loader.number)
for _name in ("str", "seq", "map"):
    _Loader.add_constructor(f"{_TAG}{_name}", yaml.SafeLoader.yaml_constructors[f"{_TAG}{_name}"])
_Loader.add_constructor(None, _Loader.unknown)


class _Dumper(yaml.SafeDumper):
    """Quotes what either version of YAML would take for something else than text."""

    def ignore_aliases(self, data: object) -> bool:
        return True


for _name, (_pattern, _first) in _CORE.items():
    _Dumper.add_implicit_resolver(f"{_TAG}{_name}", re.compile(_pattern), _first)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(f"{_TAG}str", text, style=_style(text))


def _style(text: str) -> str | None:
    if re.search(r"[^\S\n ]", text) or text[:1].isspace():  # blocks would not keep them
        return '"'
    if "\n" in text:
        return "|"
    return ">" if len(text) > WIDTH - 20 else None


def _represent_list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence(f"{_TAG}seq", items, flow_style=_fits(items))


def _represent_mapping(dumper: yaml.SafeDumper, mapping: dict[str, Any]) -> yaml.MappingNode:
    fits = 0 < len(mapping) <= 3 and _fits([*mapping, *mapping.values()])
    return dumper.represent_mapping(f"{_TAG}map", mapping.items(), flow_style=fits)


def _fits(items: list[Any]) -> bool:
    """Whether they are plain and short enough to stand in one line."""
    plain = all(not isinstance(item, (list, dict)) and "\n" not in str(item) for item in items)
    return plain and sum(len(str(item)) + 2 for item in items) <= LONGEST_FLOW


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(dict, _represent_mapping)
