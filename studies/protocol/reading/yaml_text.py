"""YAML for people: read by the rules of YAML 1.2, which browsers' editors follow too, and written so that readers of
1.1 and 1.2 agree.

By YAML 1.1 `no` is false, `12:30` is 750 and `2026-12-31` is no text; by 1.2 they are what they look like."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.emitter import Emitter
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.representer import SafeRepresenter
from ruamel.yaml.resolver import BaseResolver, implicit_resolvers

from studies.errors import Problem, ProtocolError
from studies.protocol.reading.problems import path_of
from studies.questions.fields import Place

MAX_CHARACTERS: Final = 500_000
MAX_ENTRIES: Final = 20_000
"""Keys, values and list items together; the longest studies have a few thousand."""
MAX_DEPTH: Final = 60
MAX_DIGITS: Final = 80
WIDTH: Final = 110
LONGEST_FLOW: Final = 80
_TAG: Final = "tag:yaml.org,2002:"
PLAINER: Final = {
    "found character '\\t' that cannot start any token": "a tab; indent lines with spaces only",
    "mapping values are not allowed here": "a colon that is not expected here; put the text around it in quotes, or "
    "correct the indentation of the line",
    "found unhashable key": "a key that is a list or a block; write a word, or put braces and brackets in quotes",
    "but found another document": "another document begins here (---); put each study into its own file",
    "expected <block end>, but found '<scalar>'": "text that is not expected here; is there a quotation "
    "mark too few or too many?",
    "expected <block end>, but found '<block mapping start>'": "the line is indented further than its block",
    "expected <block end>, but found '-'": "the - is not indented as far as the other entries of the list above it",
    "expected '<document start>'": "this does not belong to the block above it; check its indentation, or look for a "
    "bracket too many",
    "could not find expected ':'": "a key without a colon; check whether the line is indented as far as the text it "
    "belongs to",
}
"""How what the parser says begins: what a researcher can do about it."""
_BREAK: Final = re.compile("(?<! ) (?! )")
"""A single blank: of several, none could be left out."""
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
        node = _parser().compose(text)
        return _Reading().of(node) if node is not None else Read(None, {})
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        why = error.problem or error.context or ""
        plainer = (words for beginning, words in PLAINER.items() if why.startswith(beginning))
        raise _not_yaml(next(plainer, why), line, column) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _not_yaml(f"a character that cannot be shown (U+{ord(text[error.position]):04X})", line, 1) from None
    except RecursionError:
        raise _not_yaml("it is nested too deeply", 1, 1) from None


def write(document: object) -> str:
    """YAML that reads back as the same document; texts of several lines, and long ones, as blocks."""
    written = io.StringIO()
    _writer().dump(document, written)
    return written.getvalue()


def _not_yaml(why: str, line: int, column: int) -> ProtocolError:
    return ProtocolError([_problem(why, line, column)])


def _problem(why: str, line: int, column: int) -> Problem:
    return Problem(f"line {line}", f"is not valid YAML: {why}", line, column)


def _of(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Core(BaseResolver):
    """Knows the core schema of YAML 1.2 alone: no timestamps, merge keys or underscores in numbers."""

    yaml_implicit_resolvers: dict[Any, Any] = {}

    def __init__(self, version: object = None, loader: Any = None) -> None:
        super().__init__(loader)

    @property
    def processing_version(self) -> tuple[int, int]:
        return 1, 2


class _Either(_Core):
    """Knows what either version of YAML takes for something else than text."""


for _name, (_pattern, _first) in _CORE.items():
    _Core.add_implicit_resolver_base(f"{_TAG}{_name}", re.compile(_pattern), _first)
for _versions, _tag, _regexp, _first in implicit_resolvers:
    if (1, 1) in _versions:
        _Either.add_implicit_resolver_base(_tag, _regexp, _first)


class _Bounded(Composer):
    """Composes what a study can be: no aliases, and neither too much nor too deep."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False  # nothing can refer to them
        self.entries = self.levels = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        mark = self.parser.peek_event().start_mark
        if self.parser.check_event(AliasEvent):
            raise _refused("aliases (*) are not allowed; write the value out", mark)
        self.entries += 1
        self.levels += 1
        if self.entries > MAX_ENTRIES:
            raise _refused(f"it has more than {MAX_ENTRIES:,} keys and values, more than any study needs", mark)
        if self.levels > MAX_DEPTH:
            raise _refused(f"it is nested too deeply, in more than {MAX_DEPTH} levels", mark)
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node


def _parser() -> YAML:
    """A new one for each text, since a parser keeps its state."""
    parser = YAML(typ="safe", pure=True)
    parser.Resolver, parser.Composer = _Core, _Bounded
    return parser


def _refused(problem: str, mark: Any) -> MarkedYAMLError:
    return MarkedYAMLError(problem=problem, problem_mark=mark)


class _Reading:
    """Turns nodes into plain data, and keeps where they stand and which keys stand twice."""

    def __init__(self) -> None:
        self._marks: dict[str, tuple[int, int]] = {}
        self._twice: list[Problem] = []

    def of(self, node: Node) -> Read:
        """Raises MarkedYAMLError."""
        data = self._value(node, ())
        return Read(data, self._marks, tuple(self._twice))

    def _value(self, node: Node, place: Place) -> Any:
        tag = str(node.tag).removeprefix(_TAG)
        match node:
            case MappingNode() if tag == "map":
                return self._mapping(node.value, place)
            case SequenceNode() if tag == "seq":
                return [self._item(item, (*place, index)) for index, item in enumerate(node.value)]
            case ScalarNode() if tag in ("int", "float"):
                return _number(node, tag)
            case ScalarNode() if tag == "bool":
                return node.value.lower() == "true"
            case ScalarNode() if tag == "null":
                return None
            case ScalarNode() if tag == "str":
                return node.value
        raise _refused(f"the tag {str(node.tag)!r} is not allowed; write the value without a tag", node.start_mark)

    def _item(self, node: Node, place: Place) -> Any:
        self._marks[path_of(place)] = _of(node)
        return self._value(node, place)

    def _mapping(self, entries: Iterable[tuple[Node, Node]], place: Place) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        names: set[str] = set()
        for key, value in entries:
            if not isinstance(key, ScalarNode):
                raise _refused("found unhashable key", key.start_mark)
            if key.value in names:
                self._twice.append(_problem(f"{key.value!r} appears twice", *_of(key)))
            names.add(key.value)
            inner = (*place, key.value)
            self._marks[path_of(inner)] = _of(key)
            mapping[self._value(key, inner)] = self._value(value, inner)
        return mapping


def _number(node: ScalarNode, tag: str) -> int | float:
    """Raises MarkedYAMLError."""
    text = str(node.value).lower()
    if len(text) > MAX_DIGITS:  # of more, Python cannot write what it reads in another base
        raise _refused(f"what begins with {text[:20]!r} is no number ({len(text):,} characters)", node.start_mark)
    try:
        if tag == "float":
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
        return int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
    except ValueError:  # tagged as one
        raise _refused(f"{text!r} is no number", node.start_mark) from None


class _Plain(SafeRepresenter):
    """Writes no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


class _Emitter(Emitter):
    def analyze_scalar(self, scalar: str) -> Any:
        """Between braces, text with a ? or a : is quoted, which YAML 1.1 would not read. Single quotes are used
        wherever they can be."""
        analysis = super().analyze_scalar(scalar)
        analysis.allow_flow_plain = analysis.allow_flow_plain and not {"?", ":"} & set(scalar)
        analysis.allow_double_quoted = False
        return analysis

    def write_plain(self, text: str, split: bool = True) -> None:
        """Breaks lines after the word that reaches the width, and leaves no blanks at their ends."""
        width, self.best_width = self.best_width, sys.maxsize
        for number, words in enumerate(_BREAK.split(text)):
            if number and split and self.column > width:
                self.write_indent()
            super().write_plain(words)
        self.best_width = width


def _writer() -> YAML:
    writer = YAML(typ="safe", pure=True)
    writer.Resolver, writer.Representer, writer.Emitter = _Either, _Plain, _Emitter
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.width = WIDTH
    return writer


def _represent_text(representer: _Plain, text: str) -> ScalarNode:
    return representer.represent_scalar(f"{_TAG}str", text, style=_style(text))


def _style(text: str) -> str | None:
    if re.search(r"[^\S\n ]", text) or text[:1].isspace():  # blocks would not keep them
        return '"'
    if "\n" in text:
        return "|"
    return ">" if len(text) > WIDTH - 20 else None


def _represent_float(representer: _Plain, number: float) -> ScalarNode:
    """YAML 1.1 reads 1e-07 as text."""
    node: ScalarNode = representer.represent_float(number)
    if "." not in node.value:
        node.value = node.value.replace("e", ".0e")
    return node


def _represent_list(representer: _Plain, items: list[Any]) -> SequenceNode:
    return representer.represent_sequence(f"{_TAG}seq", items, flow_style=_fits(items))


def _represent_mapping(representer: _Plain, mapping: dict[str, Any]) -> MappingNode:
    fits = 0 < len(mapping) <= 3 and _fits([*mapping, *mapping.values()])
    return representer.represent_mapping(f"{_TAG}map", mapping.items(), flow_style=fits)


def _fits(items: list[Any]) -> bool:
    """Whether they are plain and short enough to stand in one line."""
    plain = all(not isinstance(item, (list, dict)) and "\n" not in str(item) for item in items)
    return plain and sum(len(str(item)) + 2 for item in items) <= LONGEST_FLOW


_Plain.add_representer(str, _represent_text)
_Plain.add_representer(float, _represent_float)
_Plain.add_representer(list, _represent_list)
_Plain.add_representer(dict, _represent_mapping)
