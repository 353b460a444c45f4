"""A task's YAML file as fields and the lines they stand on; a field said twice is refused."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vehicle.errors import BadTask, Problem

_DEPTH = 8
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says (data) and on which line each part stands (lines: path of keys → line, from 1)."""

    file: str
    data: Any
    lines: dict[Place, int] = field(default_factory=dict)

    def refusal(self, place: Place, problem: str) -> BadTask:
        """The error that says what is wrong at this place."""
        return BadTask(self.file, [self.problem(place, problem)])

    def problem(self, place: Place, text: str) -> Problem:
        """What is wrong, with the line of the place or of the nearest thing around it."""
        near = next((place[:depth] for depth in range(len(place), -1, -1) if place[:depth] in self.lines), ())
        return Problem(self.lines.get(near, 0), ".".join(map(str, place)), text)


def read_source(path: Path) -> Source:
    """The one mapping in a file. Raises BadTask."""
    source = Source(str(path), None)
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        said = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise BadTask(source.file, [Problem(line, "", f"not YAML: {error.problem}")]) from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadTask(source.file, [Problem(0, "", f"cannot be read: {error}")]) from None
    if not isinstance(node, yaml.MappingNode):
        raise BadTask(source.file, [Problem(1, "", "expected a mapping: `name: …`, `family: …` and so on")])
    _note(node, (), source)
    return Source(source.file, said, source.lines)


def _note(node: yaml.Node, place: Place, source: Source) -> None:
    source.lines.setdefault(place, node.start_mark.line + 1)
    if len(place) > _DEPTH:  # also an alias of itself
        raise source.refusal(place, "nested too deep")
    if isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            _note(value, (*place, i), source)
    if isinstance(node, yaml.MappingNode):
        _note_keys(node, place, source)


def _note_keys(node: yaml.MappingNode, place: Place, source: Source) -> None:
    for key, value in node.value:
        here = (*place, str(key.value))
        first = source.lines.get(here)
        source.lines[here] = key.start_mark.line + 1
        if first is not None:
            raise source.refusal(here, f"said twice; first on line {first}")
        if key.tag != "tag:yaml.org,2002:str":
            raise source.refusal(here, "a key is a plain word here; quote it")
        _note(value, here, source)
