"""YAML as people mean it: duplicate keys refused, `NO` and `18:30` kept as text, and each value's line remembered."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from fleet.errors import BadPlan, Problem

Path = tuple[str | int, ...]


class _Loader(yaml.CSafeLoader):
    """The C parser with the scalars of YAML 1.2: no `yes`/`NO` booleans, no sexagesimal numbers, no dates."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (yaml's own shape)


_INT = r"[-+]?(0|[1-9][0-9]*)"
_FLOAT = r"[-+]?([0-9]*\.[0-9]+|[0-9]+\.)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(f"^(?:{_INT})$"), list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"^(?:{_FLOAT})$"), list("-+.0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(null|~|)$"), ["n", "~", ""])


@dataclass(frozen=True, slots=True)
class Lines:
    """Where each value of a document stands.

    source: the file's name
    of:     path of keys and indices → line, from 1
    """

    source: str
    of: dict[Path, int]

    def where(self, path: Path) -> str:
        """`file:line` of the value, or of the nearest parent that is there."""
        while path and path not in self.of:
            path = path[:-1]
        return f"{self.source}:{self.of.get(path, 1)}"


def parse(text: str, source: str) -> tuple[Any, Lines]:
    """The document's value and its lines; BadPlan where it is no YAML or has a key twice."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines = Lines(source, dict(_walk(node, ()))) if node is not None else Lines(source, {})
        repeated = list(_repeated(node, lines)) if node is not None else []
        if repeated:
            raise BadPlan(repeated)
        return (loader.construct_document(node) if node is not None else None), lines
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadPlan([Problem(f"{source}:{line}", "", f"not YAML: {error.problem or error}")]) from error
    except yaml.YAMLError as error:
        raise BadPlan([Problem(source, "", f"not YAML: {error}")]) from error
    finally:
        loader.dispose()


def parse_scalar(text: str, source: str) -> Any:
    """One value as it would stand in a plan, e.g. `500`, `true`, `18:30`, `[a, b]`."""
    return parse(text, source)[0]


def _walk(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, key.value), key.start_mark.line + 1
            yield from ((p, line) for p, line in _walk(value, (*path, key.value)) if p != (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield from _walk(value, (*path, i))


def _repeated(node: yaml.Node, lines: Lines) -> Iterator[Problem]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                first = f"this key stands twice (first on line {seen[key.value]})"
                yield Problem(f"{lines.source}:{line}", str(key.value), first)
            seen.setdefault(key.value, line)
            yield from _repeated(value, lines)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value, lines)
