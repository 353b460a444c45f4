"""YAML read with its line numbers, and without its surprises: duplicate keys, `NO`, `12:30:00`, `010`, aliases."""

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from triggers.errors import BadSpec, Problem

MAX_CHARACTERS = 64 * 1024
MAX_DEPTH = 16
Place = tuple[str | int, ...]

_SAYS_SO = re.compile(r"true|false|True|False")
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_TRAPS = {
    "bool": "YAML reads {text} as {value}; write {value}, or quote it if it is a text",
    "int": "YAML reads {text} as the number {value}; write {value}, or quote it if it is a text",
    "float": "YAML reads {text} as the number {value}; write {value}, or quote it if it is a text",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says (data) and on which line each part stands (lines: path of keys → line, from 1)."""

    file: str
    data: Any
    lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int:
        """The line of this part, or of the nearest thing around it."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 0)


def read_yaml(text: str, file: str) -> Source:
    """The one document in a text; file: its name, for messages. Raises BadSpec."""
    if len(text) > MAX_CHARACTERS:
        raise BadSpec(file, [Problem(0, "", f"longer than {MAX_CHARACTERS} characters")])
    reader = _Reader(file)
    try:
        events = yaml.parse(text, Loader=yaml.CSafeLoader)
        reader.refuse_aliases(events)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise BadSpec(file, [Problem(mark.line + 1 if mark else 0, "", f"not YAML: {said}")]) from None
    except yaml.YAMLError as error:
        raise BadSpec(file, [Problem(0, "", f"not YAML: {error}")]) from None
    data = None if node is None else reader.value(node, ())
    return Source(file, data, reader.lines)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file, self.lines = file, dict[Place, int]()
        self.scalars = yaml.constructor.SafeConstructor()

    def refuse_aliases(self, events: Iterator[yaml.Event]) -> None:
        """Aliases make a small file large and hide what a line says; also bounds the depth before anything recurses."""
        depth = 0
        for event in events:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                self.refuse(event, (), f"nested deeper than {MAX_DEPTH} levels")
            if isinstance(event, yaml.AliasEvent):
                self.refuse(event, (), f"aliases (*{event.anchor}) are not read here; write it out")

    def value(self, node: yaml.Node, place: Place) -> Any:
        """The node as plain Python; notes its line."""
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, (*place, i)) for i, each in enumerate(node.value)]
        return self.scalar(node, place)

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[Hashable, Any]:
        """Key → value; every key a text, and once."""
        out: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = self.scalar(key_node, place) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str) or key_node.tag.endswith(":merge"):
                self.refuse(key_node, place, "a key is a plain word here")
            if key in out:
                first = self.lines[(*place, key)]
                self.refuse(key_node, (*place, key), f"said twice; first on line {first}")
            self.lines[(*place, key)] = key_node.start_mark.line + 1
            out[key] = self.value(value_node, (*place, key))
        return out

    def scalar(self, node: yaml.Node, place: Place) -> Any:
        """A text, number, boolean, date or null; refuses what YAML 1.1 reads otherwise than it looks."""
        sort = node.tag.rpartition(":")[2]
        if sort == "merge":
            return node.value
        try:
            value = self.scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self.refuse(node, place, f"cannot be read: {error}")
        if sort in _TRAPS and not _reads_as_it_looks(sort, node.value):
            shown = str(value).lower() if sort == "bool" else value
            self.refuse(node, place, _TRAPS[sort].format(text=node.value, value=shown))
        return value

    def refuse(self, at: yaml.Node | yaml.Event, place: Place, problem: str) -> NoReturn:
        """Raises BadSpec."""
        line = at.start_mark.line + 1 if at.start_mark else 0
        raise BadSpec(self.file, [Problem(line, ".".join(map(str, place)), problem)])


def _reads_as_it_looks(sort: str, text: str) -> bool:
    if sort == "bool":
        return _SAYS_SO.fullmatch(text) is not None
    return ":" not in text and _OCTAL.fullmatch(text) is None
