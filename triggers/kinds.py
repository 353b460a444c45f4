"""The sorts of triggers, each a function from parameters to a function from a table to scores."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from triggers.errors import hint
from triggers.expression import Expression
from triggers.probe import Probe, load_probe
from triggers.table import SignalTable

Trigger = Callable[[SignalTable], NDArray[Any]]
"""From a table of n cars to (n,) scores: bool, the condition itself; or float32, which holds from a threshold upwards
and is NaN where undefined. The threshold is the function's attribute `threshold` if it has one, else the parameter of
that name. A function with an attribute `backbone` is refused on any other backbone."""


def expression(*, fire_when: str) -> Trigger:
    """Fire where a condition on signals holds; `Expression` has the language. Raises BadExpression."""
    return Expression(fire_when)


def probe(
    *, weights: Path, backbone: str | None = None, layer: str | None = None, threshold: float | None = None
) -> Trigger:
    """Fire where a classifier on backbone features is sure enough.

    weights: a safetensors file; backbone (sha256) and layer: what it must be fitted to, if given; threshold: of the
    calibrated probability, if not the file's own. Raises MissingWeights, BadWeights and ForeignBackbone.
    """
    loaded: Probe = load_probe(weights, backbone=backbone, layer=layer, threshold=threshold)
    return loaded


def disagreement(*, task: str, threshold: float, candidate: str | None = None) -> Trigger:  # noqa: ARG001 -- compared later
    """Fire where a candidate sees a task otherwise than production does.

    Reads `TASK.disagreement`, the greatest over all candidates of the loadout, or `TASK.disagreement.CANDIDATE`.
    """
    column = f"{task}.disagreement" + (f".{candidate}" if candidate else "")

    def score(table: SignalTable) -> NDArray[np.float32]:
        return np.where(table.defined(column), table[column], np.nan).astype(np.float32)

    return score


def mismatch(*, signal: str, against: str, threshold: float) -> Trigger:
    """Fire where two signals that should say the same are so far apart: camera and camera, network and radar or driver.

    Either may be arithmetic on signals, such as `lead_distance.m - 2.3 m`; both have the unit of the threshold.
    """
    return Expression(f"abs(({signal}) - ({against}))", threshold=float(threshold))


def jitter(*, signal: str, over_s: float, threshold: float) -> Trigger:
    """Fire where a number swings to and fro: how much wider its range is, within these seconds, than it got on.

    What moves steadily has none, however fast it is.
    """
    span = f"over {over_s:g} s"
    return Expression(
        f"max({signal} {span}) - min({signal} {span}) - abs(rate({signal} {span})) * {over_s:g} s",
        threshold=float(threshold),
    )


def flicker(*, signal: str, above: float, times: int, over_s: float) -> Trigger:
    """Fire where an answer comes and goes: it rose above a level so many times within these seconds."""
    return Expression(f"count({signal} > {above:g} over {over_s:g} s)", threshold=float(times))


KINDS: dict[str, Callable[..., Trigger]] = {
    "expression": expression,
    "probe": probe,
    "disagreement": disagreement,
    "mismatch": mismatch,
    "jitter": jitter,
    "flicker": flicker,
}


def faults_of(kind: str, params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with these parameters for this kind: (parameter, what was expected)."""
    asked = {each.name: each for each in inspect.signature(KINDS[kind]).parameters.values() if each.kind is not _OPEN}
    takes_any = len(asked) < len(inspect.signature(KINDS[kind]).parameters)
    faults = [
        (n, f"`{kind}` has no such parameter{hint(n, asked)}") for n in params if n not in asked and not takes_any
    ]
    faults += [
        (n, f"expected {_TAKES[sort][0]}, and this is {params[n]!r}")
        for n in params
        if n in asked and (sort := _plain(asked[n].annotation)) in _TAKES and not _fits(params[n], asked[n])
    ]
    needed = [n for n, each in asked.items() if each.default is each.empty and n not in params]
    return faults or [(n, f"`{kind}` needs it, and it is not there") for n in needed]


def build(kind: str, params: Mapping[str, Any], folder: Path) -> Trigger:
    """The trigger of this kind with these parameters, which have no faults; files are looked for in the folder."""
    asked = inspect.signature(KINDS[kind]).parameters
    files = {name for name, each in asked.items() if _plain(each.annotation) is Path}
    return KINDS[kind](**{name: folder / value if name in files else value for name, value in params.items()})


def threshold_of(score: Trigger, params: Mapping[str, Any]) -> float | None:
    """From which score on it holds; None where neither it nor its parameters say."""
    found = getattr(score, "threshold", params.get("threshold"))
    return float(found) if isinstance(found, int | float) else None


_OPEN = inspect.Parameter.VAR_KEYWORD
_TAKES: dict[Any, tuple[str, tuple[type, ...]]] = {
    str: ("a text", (str,)),
    float: ("a number", (int, float)),
    int: ("an integer", (int,)),
    bool: ("true or false", (bool,)),
    Path: ("a file", (str, Path)),
}


def _plain(annotation: Any) -> Any:
    """`X` of `X | None`, else the annotation itself. What is not plain, a kind checks itself."""
    some = [each for each in get_args(annotation) if each is not type(None)]
    return some[0] if len(some) == 1 and type(None) in get_args(annotation) else annotation


def _fits(value: object, asked: inspect.Parameter) -> bool:
    if value is None:
        return type(None) in get_args(asked.annotation)
    sort = _plain(asked.annotation)
    return isinstance(value, _TAKES[sort][1]) and (sort is bool or not isinstance(value, bool))
