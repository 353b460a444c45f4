"""A YAML file as fields and the lines they stand on; a field said twice is refused."""

from pathlib import Path
from typing import Any

import yaml

from scenarios.errors import BadWorld

YAML = (".yaml", ".yml")
"""Endings that tell a file from the name of something that ships."""

_DEPTH = 8
Lines = dict[tuple[str, ...], int]
"""Path of keys to line, from 1."""


def read_fields(path: Path) -> tuple[dict[str, Any], Lines]:
    """What a file says, a mapping, and where. Raises BadWorld."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        said = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise BadWorld(path, line, "", f"not YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadWorld(path, 0, "", f"not YAML: {error}") from None
    if not isinstance(node, yaml.MappingNode):
        raise BadWorld(path, 1, "", "not a mapping of fields to values")
    lines: Lines = {}
    _note(node, (), path, lines)
    return said, lines


def line_of(lines: Lines, place: tuple[str, ...]) -> int:
    """The line of a field, or of the nearest thing around it; 0 where there is none."""
    return next((lines[place[:depth]] for depth in range(len(place), -1, -1) if place[:depth] in lines), 0)


def _note(node: yaml.Node, place: tuple[str, ...], path: Path, lines: Lines) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    if len(place) > _DEPTH:  # also an alias of itself
        raise BadWorld(path, node.start_mark.line + 1, ".".join(place), "nested too deep")
    for key, value in node.value:
        here = (*place, str(key.value))
        line = key.start_mark.line + 1
        if here in lines:
            raise BadWorld(path, line, ".".join(here), f"said twice; first on line {lines[here]}")
        lines[here] = line
        _note(value, here, path, lines)
