"""Modes of fires: the sorts of encounters that a trigger fires at, by weight and by the way through its gates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.exam.clips import Clip, Eyes, painted_clip
from fleet.exam.findings import Rows
from fleet.exam.grading import SHOWN
from fleet.exam.painted import ORDINARY, Painted

PICTURED, EACH = 4, 2  # modes of false fires that have pictures, and how many
NOTHING = "nothing in sight"


@dataclass(frozen=True, slots=True)
class Mode:
    """Fires of one sort.

    about: the encounter; way: which of the gates' alternatives let it through, "" where there is no choice
    right: whether such a fire is; fires: seen; share: of all alerts at base rates
    decides: the gate that lets the smallest share of such encounters through, of those that reach it
    """

    about: str
    way: str
    right: bool
    fires: int
    share: float
    decides: str


@dataclass(frozen=True, slots=True)
class Passage:
    """How far encounters of one sort get.

    looked: at; through: share that gets through each gate and all before it, at base rates; the last is those fired at
    nearest: of those not fired at, how far the nearest was from passing the gate that stopped it, 0..1; stopped: by
        which; "" where all fired
    """

    about: str
    event: bool
    looked: int
    through: tuple[float, ...]
    nearest: float
    stopped: str


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """gates: names in order; fires: heaviest first; passages: what is to be caught first, then the nearest.

    clips: of the heaviest modes of false fires, and of what nearly fired
    """

    gates: tuple[str, ...] = ()
    fires: tuple[Mode, ...] = ()
    passages: tuple[Passage, ...] = ()
    clips: tuple[Clip, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """All that counts, of several looks one after the other, (n,) each; part, row: where it is kept."""

    about: NDArray[np.str_]
    sort: NDArray[np.str_]
    way: NDArray[np.str_]
    event: NDArray[np.bool_]
    fired: NDArray[np.bool_]
    weight: NDArray[np.float64]
    depth: NDArray[np.int64]
    apart: NDArray[np.float64]
    part: NDArray[np.int64]
    row: NDArray[np.int64]


def modes_of(painted: Painted, parts: Sequence[Rows], eyes: Eyes) -> Modes:
    """Of all passes; empty where nothing was looked at."""
    gates = next((rows.driven.gates[0] for rows in parts if rows.driven.gates), ())
    found = [_read(painted, number, rows) for number, rows in enumerate(parts)]
    rows = _Row(*(np.concatenate([getattr(each, name) for each in found]) for name in _Row.__slots__))
    passages = sorted(
        (_passage(rows, sort, gates) for sort in dict.fromkeys(rows.sort.tolist())),
        key=lambda each: (not each.event, -each.through[-1], each.nearest),
    )  # fmt: skip
    fires = _fires(rows, {each.about: _decides(each, gates) for each in passages})
    return Modes(gates, tuple(fires), tuple(passages), tuple(_clips(painted, parts, rows, fires, len(gates), eyes)))


def _read(painted: Painted, number: int, rows: Rows) -> _Row:
    driven, n = rows.driven, len(rows.sample)
    aimed = {fire.row: fire.name for fire in reversed(driven.fires) if fire.trigger == 0}
    fired = rows.sample.right | (rows.sample.wrong > 0)
    sort = np.array([name or ORDINARY for name in driven.passes.names], dtype=object)
    about = sort.copy()
    for row in np.flatnonzero(fired & rows.blank).tolist():
        about[row] = f"{ORDINARY}, {aimed.get(row, '').replace('_', ' ') or NOTHING}"
    ways = driven.ways[0] if driven.ways else ("",)
    way = np.array([ways[place] for place in driven.way[0].tolist()], dtype=object)
    return _Row(
        about.astype(str), sort.astype(str), way.astype(str), rows.sample.event | np.isin(sort, painted.aim.catches),
        fired, rows.sample.weight, driven.depth[0], driven.apart[0], np.full(n, number, np.int64), np.arange(n),
    )  # fmt: skip


def _passage(rows: _Row, sort: str, gates: Sequence[str]) -> Passage:
    """What was never in view is not counted."""
    mine = (rows.sort == sort) & (rows.depth >= 0)
    weight = rows.weight[mine]
    whole = max(float(weight.sum()), 1e-300)
    through = [float(weight[rows.depth[mine] > i].sum()) / whole for i in range(len(gates) - 1)]
    through.append(float(weight[rows.fired[mine]].sum()) / whole)
    stopped = np.flatnonzero(mine & ~rows.fired)
    if not len(stopped):
        return Passage(sort, bool(rows.event[mine].any()), int(mine.sum()), tuple(through), 1.0, "")
    near = stopped[np.lexsort((rows.apart[stopped], -rows.depth[stopped]))[0]]
    by = gates[min(int(rows.depth[near]), len(gates) - 1)]
    return Passage(
        sort, bool(rows.event[mine].any()), int(mine.sum()), tuple(through), float(rows.apart[near]), by
    )  # fmt: skip


def _decides(passage: Passage, gates: Sequence[str]) -> str:
    """The gate that stops most of what reaches it; the last is nobody's choice."""
    before = (1.0, *passage.through)
    shares = [after / first if first > 0 else 1.0 for first, after in zip(before, passage.through[:-1], strict=False)]
    return gates[int(np.argmin(shares))] if shares else ""


def _fires(rows: _Row, decides: dict[str, str]) -> list[Mode]:
    total = max(float(rows.weight[rows.fired].sum()), 1e-300)
    places: dict[tuple[str, str, str], list[int]] = {}
    for place in np.flatnonzero(rows.fired).tolist():
        key = str(rows.about[place]), str(rows.way[place]), str(rows.sort[place])
        places.setdefault(key, []).append(place)
    found = [
        Mode(about, way, bool(rows.event[some].any()), len(some), float(rows.weight[some].sum()) / total, decides[sort])
        for (about, way, sort), some in places.items()
    ]
    return sorted(found, key=lambda each: (-each.share, each.about, each.way))


def _clips(
    painted: Painted, parts: Sequence[Rows], rows: _Row, fires: Sequence[Mode], gates: int, eyes: Eyes
) -> list[Clip]:  # fmt: skip
    """Some of each of the heaviest modes of false fires, and of what got through all but the last of the conditions."""
    chosen: list[tuple[str, int]] = []
    for mode in [each for each in fires if not each.right][:PICTURED]:
        alike = rows.fired & (rows.about == mode.about) & (rows.way == mode.way)
        title = f"Mode of false fires: {mode.about.replace('_', ' ')}" + (f", by {mode.way}" if mode.way else "")
        chosen += [(title, place) for place in np.flatnonzero(alike)[:EACH].tolist()]
    close = np.flatnonzero(~rows.fired & ~rows.event & (rows.depth >= gates - 2) & (rows.apart < 1))
    order = np.lexsort((rows.apart[close], -rows.depth[close]))
    chosen += [("Nearly fired at", int(place)) for place in close[order][:SHOWN]]
    return [
        painted_clip(painted, parts[int(rows.part[place])], title, int(rows.row[place]), eyes)
        for title, place in chosen
    ]
