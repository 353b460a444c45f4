"""Plain driving, nothing forced, looked at for long and labelled: the truth by brute force that exams are held against.

Stretches of ordinary driving are filmed once, with all that was there to be caught beside it, and any number of
triggers are then counted on the same film. A stretch has some looks before and after those that count: an encounter
belongs to the looks in which it is first seen, and a fire at it counts for as long as it lasts.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fleet.exam.aims import Aim
from fleet.exam.crew import Alone, Hands, Studio
from fleet.exam.driving import ORIGIN, TRUTHS, Fire, shown
from fleet.exam.film import Shot, Take, keep, shoot, show, takes_in
from fleet.exam.grounds import BLOCK, Grounds, Passes
from fleet.simulation.run_folder import write_whole
from scenarios import staging
from triggers import estimate

BEFORE, LONG, AFTER = 30, 400, 50  # looks of a stretch: to settle in, that count, and for what began to end
REEL = 32  # stretches painted in one go
STREAM = "exam plain driving"

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """Things that encounters put there and that somebody could have pointed at, (m,) each.

    row: the stretch; site, kind: of the thing; look: the first that shows it; name: of the encounter
    """

    row: Ints
    site: Ints
    kind: Ints
    look: Ints
    name: NDArray[np.str_]

    @classmethod
    def joined(cls, parts: Sequence["Sights"]) -> "Sights":
        """One after the other."""
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))


def sights(studio: Studio, passes: Passes) -> Sights:
    """What there was to see on some stretches."""
    staged = staging.stage(studio.world, passes.cars, passes.ticks - ORIGIN, passes.names, passes.keys)
    rows = np.repeat(np.arange(len(passes)), passes.looks)
    looks = np.arange(len(rows)) - np.repeat(np.cumsum(passes.looks) - passes.looks, passes.looks)
    found = []
    for start in range(0, len(rows), TRUTHS):
        row, look = rows[start : start + TRUTHS], looks[start : start + TRUTHS]
        who, when = row.astype(np.uint32), ORIGIN + look * studio.step
        truth, (sites, names) = staged.truth(who, when), staged.met(who, when)
        of = staging.site_of(truth.encounter)
        at, place = np.nonzero(shown(truth) & (of >= 0))
        site = of[at, place]
        here = sites[at] == site[:, None]
        name = np.where(here.any(axis=1), names[at, here.argmax(axis=1)], "")
        found.append(Sights(row[at], site, truth.kind[at, place].astype(np.int64), look[at], name))
    whole = Sights.joined(found)
    _, first = np.unique(np.stack([whole.row, whole.site, whole.kind]), axis=1, return_index=True)
    return Sights(*(getattr(whole, each.name)[first] for each in fields(Sights)))


def filmed(studio: Studio, task: tuple[Passes, Take]) -> tuple[Shot, Sights]:
    """Paint a reel, and say what was there."""
    return shoot(studio, task), sights(studio, task[0])


class PlainDriving:
    """A film of stretches in a folder, which is only added to; what is there is not painted again."""

    def __init__(self, folder: Path, grounds: Grounds) -> None:
        self._folder, self._grounds = folder, grounds

    def passes(self, reels: Sequence[int]) -> Passes:
        """The stretches of some reels; their lead is that of the grounds, and the looks before come after it."""
        numbers = np.concatenate([np.arange(reel * REEL, (reel + 1) * REEL) for reel in reels])
        found = self._grounds.blocks(STREAM, numbers, lead=self._grounds.lead + BEFORE, long=LONG, after=AFTER)
        return replace(found, lead=np.maximum(found.lead - BEFORE, 0))

    def extend(
        self, studio: Studio, reels: int, *, hands: Hands | None = None, watch: Callable[[int], None] = lambda _: None
    ) -> None:
        """Paint what is lacking of so many reels; watch is told how many frames more there are. Raises CannotWrite."""
        self._folder.mkdir(parents=True, exist_ok=True)
        held = takes_in(self._folder)
        takes = [Take(reel, -self._grounds.lead, BEFORE + LONG + AFTER) for reel in range(reels) if reel not in held]
        tasks = [(self.passes([take.reel]), take) for take in takes]
        for number, (shot, seen) in (hands or Alone(studio)).each(filmed, tasks):
            file = io.BytesIO()
            np.savez(file, **{each.name: getattr(seen, each.name) for each in fields(Sights)})
            write_whole(self._sights(takes[number].reel), file.getvalue())
            keep(self._folder, takes[number], shot)  # last: a reel is there once its take is
            watch(shot.frames)

    def seen(self, reels: Sequence[int]) -> Sights:
        """What there was to see on some reels; rows as `passes` has them."""
        parts = []
        for number, reel in enumerate(reels):
            with np.load(self._sights(reel), allow_pickle=False) as held:
                part = {each.name: held[each.name] for each in fields(Sights)}
            parts.append(Sights(**part | {"row": part["row"] + number * REEL}))
        return Sights.joined(parts)

    def fires(self, studio: Studio, reels: Sequence[int], *, hands: Hands | None = None) -> list[Fire]:
        """Every fire of the studio's triggers on some reels; rows as `passes` has them."""
        tasks = [(self._folder, [reel], self.passes([reel])) for reel in reels]
        found = []
        for number, marks in (hands or Alone(studio)).each(show, tasks):
            found += [
                Fire(fire.row + number * REEL, fire.look, fire.trigger, fire.site, fire.name) for fire in marks.fires
            ]
        return sorted(found, key=lambda fire: (fire.row, fire.look, fire.trigger))

    def _sights(self, reel: int) -> Path:
        return self._folder / f"{reel:06}.sights.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What one trigger did on n stretches, (n,) each.

    looks: that count; events, right: encounters first seen in them, and those of them that it fired at
    wrong: near misses and other encounters first fired at in them, and blocks of them with a fire at nothing of that
    """

    looks: Ints
    events: Floats
    right: Floats
    wrong: Floats

    @property
    def precision(self) -> estimate.Interval:
        """Share of alerts that are right."""
        return self._share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> estimate.Interval:
        """Share of events that are fired at."""
        return self._share(self.right, self.events)

    def a_day(self, values: Floats, looks_per_car_day: float) -> estimate.Interval:
        """So many of them in an average car-day."""
        return self._share(values, self.looks.astype(np.float64)).times(looks_per_car_day)

    def _share(self, top: Floats, of: Floats) -> estimate.Interval:
        """A ratio of sums over stretches, which are drawn evenly (Cochran, 1977, equation 2.39)."""
        whole = float(of.sum())
        if whole <= 0:
            return estimate.Interval(float("nan"), 0.0, float("inf"))
        ratio, n = float(top.sum()) / whole, len(of)
        far = 1.96 * float(np.sqrt(n / max(n - 1, 1) * ((top - ratio * of) ** 2).sum())) / whole
        return estimate.Interval(ratio, ratio - far, ratio + far)


def counted(
    passes: Passes, seen: Sights, fires: Sequence[Fire], aim: Aim, apart: frozenset[str], lead: int
) -> Counted:  # fmt: skip
    """One trigger's fires on stretches, counted as an exam counts.

    apart: encounters that have strata of their own; lead: looks before a block in which a fire takes it the block's
    """
    n = len(passes)
    begins = np.where(passes.lead > 0, passes.lead + BEFORE, 0)  # a drive's first stretch has nothing before it
    ends = np.minimum(begins + LONG, passes.looks)
    row, look, site = (np.array([getattr(fire, each) for fire in fires], np.int64) for each in ("row", "look", "site"))
    name = np.array([fire.name for fire in fires], np.str_)
    mine = np.isin(seen.name, aim.catches) & ((seen.kind == aim.kind) | (aim.kind is None))
    event_row, event_site = _first(seen.row[mine], seen.site[mine], seen.look[mine], begins, ends)
    hit = np.isin(_joint(event_row, event_site), _joint(row, site))
    other = np.isin(name, [each for each in apart if each not in aim.catches])
    wrong_row, _ = _first(row[other], site[other], look[other], begins, ends)
    stray = _stray_blocks(row, look, ~np.isin(name, list(apart)), begins, ends, lead)
    events, right, false, lost = (
        np.bincount(each, minlength=n).astype(np.float64) for each in (event_row, event_row[hit], wrong_row, stray)
    )
    return Counted(ends - begins, events, right, false + lost)


def _joint(row: Ints, site: Ints) -> NDArray[np.void]:
    """Row and site as one value."""
    both = np.ascontiguousarray(np.stack([row, site], axis=1))
    return both.view([("row", np.int64), ("site", np.int64)]).ravel()


def _first(row: Ints, site: Ints, look: Ints, begins: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Row and site of those whose first look counts."""
    order = np.lexsort((look, site, row))
    row, site, look = row[order], site[order], look[order]
    new = np.ones(len(row), np.bool_)
    new[1:] = (row[1:] != row[:-1]) | (site[1:] != site[:-1])
    new &= (look >= begins[row]) & (look < ends[row])
    return row[new], site[new]


def _stray_blocks(
    row: Ints, look: Ints, stray: NDArray[np.bool_], begins: Ints, ends: Ints, lead: int
) -> Ints:  # fmt: skip
    """The row of each block with a stray fire and no fire shortly before it."""
    counts = stray & (look >= begins[row]) & (look < ends[row])
    block = (look[counts] - begins[row[counts]]) // BLOCK
    blocks = np.unique(np.stack([row[counts], block]), axis=1)
    starts = begins[blocks[0]] + blocks[1] * BLOCK
    before = (row[:, None] == blocks[0]) & (look[:, None] < starts) & (look[:, None] >= starts - lead)
    return np.asarray(blocks[0][~before.any(axis=0)], np.int64)
