"""What the passes say, row by row: which encounters fired and with what score, and in which slices they lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.exam.driving import Driven, aimed_at
from fleet.exam.grading import Scored
from fleet.exam.painted import Painted
from scenarios import slices_of, staging
from triggers import estimate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

ASKED = 400  # of ordinary driving's highest scores, whose aim is looked up


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """n passes, in the order of the sample.

    sample: what they came to; driven: where they are kept, row by row; score: (n,), NaN for none
    moment: (n,) the look that stands for it: at which it fired, else that shows most of what was put there
    fired: (n,) whether it did, at what it is about
    """

    sample: estimate.Sample
    driven: Driven
    score: Floats
    moment: Ints
    fired: Bools

    @property
    def blank(self) -> Bools:
        """Ordinary driving: passes with nothing put there, (n,)."""
        return np.asarray(self.driven.passes.sites < 0)


def rows_of(painted: Painted, sample: estimate.Sample, driven: Driven, trigger: int = 0) -> Rows:
    """Passes by their sample; a natural encounter that a stratum stands for takes no part in ordinary scores."""
    fired, moment = np.zeros(len(sample), np.bool_), driven.view.copy()
    blank = driven.passes.sites < 0
    moment[blank] = np.minimum(driven.best[trigger], driven.passes.looks - 1)[blank]
    for fire in driven.fires:
        about = fire.site == driven.passes.sites[fire.row] or (blank[fire.row] and fire.name not in painted.apart)
        if fire.trigger == trigger and about and not fired[fire.row]:
            fired[fire.row], moment[fire.row] = True, fire.look
    score = driven.score[trigger].copy()
    asked = np.flatnonzero(blank & np.isfinite(score))
    asked = asked[np.argsort(-score[asked], kind="stable")[:ASKED]]
    if len(asked):
        aims = aimed_at(driven.world, asked.astype(np.uint32), driven.tick(driven.best[trigger, asked]), painted.aim)
        score[asked[[name in painted.apart for _, name in aims]]] = np.nan
    return Rows(sample, driven, score, moment, fired & ((sample.right) | (sample.wrong > 0)))


def scored_of(parts: Sequence[Rows], rest: int) -> Scored:
    """The passes of several looks, one after the other, with their scores."""
    return Scored(
        estimate.joined([each.sample for each in parts]), np.concatenate([each.score for each in parts]), rest,
        max(_floor(each) for each in parts),
    )  # fmt: skip


def held_by(parts: Sequence[Rows]) -> dict[str, Bools]:
    """Slice to which passes belong to it, of several looks one after the other."""
    held = [slices_held(each) for each in parts]
    names = dict.fromkeys(name for each in held for name in each)
    return {
        name: np.concatenate(
            [each.get(name, np.zeros(len(rows.sample), np.bool_)) for each, rows in zip(held, parts, strict=True)]
        )
        for name in names
    }


def sorts_of(parts: Sequence[Rows]) -> dict[str, Bools]:
    """What a pass is about, in three words."""
    event, blank = (
        np.concatenate(each) for each in ([rows.sample.event for rows in parts], [rows.blank for rows in parts])
    )
    return {"to be caught": event, "near misses": ~event & ~blank, "ordinary driving": blank}


def _floor(rows: Rows) -> float:
    """Below it ordinary driving's aims were not looked up."""
    ordinary = np.sort(rows.score[rows.blank & np.isfinite(rows.score)])
    return float(ordinary[-ASKED]) if len(ordinary) > ASKED else -np.inf


def slices_held(rows: Rows) -> dict[str, Bools]:
    """Slice to which passes belong to it: of the moment, and for events of the thing."""
    n = len(rows.sample)
    cars, ticks = np.arange(n, dtype=np.uint32), rows.driven.tick(rows.moment)
    found = dict(slices_of(rows.driven.world.moments(cars, ticks)))
    events = np.flatnonzero(rows.sample.event)
    if len(events):
        columns = _things(rows, events)
        for name, held in slices_of(columns).items():
            if name not in found:
                found[name] = np.zeros(n, np.bool_)
                found[name][events] = held
    return found


def _things(rows: Rows, events: Ints) -> dict[str, NDArray[Any]]:
    """What slices may ask of what was put there, when most of it was seen; of the events, (m,) each."""
    parts = []
    for start in range(0, len(events), 256):
        who = events[start : start + 256]
        truth = rows.driven.world.truth(who.astype(np.uint32), rows.driven.tick(rows.driven.view[who]))
        mine = truth.valid & (staging.site_of(truth.encounter) == rows.driven.passes.sites[who][:, None])
        place = np.where(mine, truth.pixels.max(axis=1), -1.0).argmax(axis=1)
        parts.append(truth.things(np.arange(len(who)), place))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
