"""A film: ordinary driving at true rates as cars saw it, painted and perceived once, and kept for any trigger.

What a car knows at a tick is a pure function of the world, the networks, the car and the tick. So it can be kept: every
column of the tables that triggers look at, and the embedding, bit for bit. An exam is then shown the film, through the
car's own evaluator, and pays for what the trigger costs, not for pictures.

A film lies in a folder and is only ever added to: in reels of `REEL` blocks of driving, each written whole or not at
all; further back in time where a trigger remembers longer than those before it did. Who is examined on it is written
down, for a trigger that is changed until it does well on one film has not been examined.
"""

import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.errors import DamagedFilm
from fleet.exam.crew import Studio
from fleet.exam.driving import ORIGIN, Driven, Marks, begun, judge, marks_of
from fleet.exam.grounds import Passes
from fleet.simulation.run_folder import write_whole
from scenarios import staging
from triggers import Memory, SignalTable
from vehicle import Loadout, Onboard

REEL = 64  # blocks
VALID = "valid"
_TAKE = re.compile(r"(\d{6})([+-]\d{4})([+-]\d{4})\.npz")

Ints = NDArray[np.int64]
Bits = NDArray[Any]


@dataclass(frozen=True, slots=True, order=True)
class Take:
    """Looks of a reel's blocks that were painted in one go: look `first` up to `stop`, 0 the first that counts."""

    reel: int
    first: int
    stop: int

    @property
    def name(self) -> str:
        """Of its files."""
        return f"{self.reel:06}{self.first:+05}{self.stop:+05}"


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """What cars knew in a take: of each column by sort (columns, looks, blocks); blank where a block has no such look.

    names: sort to the columns' names, valid's those that have a mask; embedding: (looks, blocks, d) float32
    frames: painted; spent_s: CPU time that took
    """

    names: Mapping[str, Sequence[str]]
    columns: Mapping[str, Bits]
    embedding: NDArray[np.float32]
    frames: int
    spent_s: float


def shoot(studio: Studio, task: tuple[Passes, Take]) -> Shot:
    """Paint and perceive a take of blocks with as much lead as it asks for."""
    passes, take = task
    begun_s, n = time.process_time(), len(passes)
    begins = passes.ticks + passes.lead * studio.step
    staged = staging.stage(studio.world, passes.cars, begins - ORIGIN, passes.names, passes.keys)
    nobody = Loadout.equip("film", studio.fitting.production, studio.fitting.shadows, (), Memory(0, n))
    onboard = Onboard(staged, [nobody], first_car=0, cars=n)
    tables = []
    for look in range(take.first, take.stop):
        there = np.flatnonzero((look >= -passes.lead) & (look < passes.looks - passes.lead))
        tables.append(onboard.see(nobody, there.astype(np.uint32), ORIGIN + look * studio.step))
    return _developed(tables, n, begun_s)


def _developed(tables: Sequence[SignalTable], n: int, begun_s: float) -> Shot:
    some = tables[0]
    names: dict[str, list[str]] = {VALID: list(some.valid)}
    for name, column in some.columns.items():
        names.setdefault(column.dtype.name, []).append(name)
    columns = {
        sort: np.zeros((len(each), len(tables), n), np.bool_ if sort == VALID else np.dtype(sort))
        for sort, each in names.items()
    }
    embedding = np.zeros((len(tables), n, some.embedding.shape[1]), np.float32)
    for look, table in enumerate(tables):
        rows = table.cars.astype(np.intp)
        embedding[look, rows] = table.embedding
        for sort, each in names.items():
            of = table.valid if sort == VALID else table.columns
            for i, name in enumerate(each):
                columns[sort][i, look, rows] = of[name]
    frames = sum(len(table) for table in tables)
    return Shot(names, columns, embedding, frames, time.process_time() - begun_s)


def keep(folder: Path, take: Take, shot: Shot) -> None:
    """Write a take; it is there once its second file is. Raises CannotWrite."""
    facts = {"names": shot.names, "frames": shot.frames, "spent_s": shot.spent_s}
    held: dict[str, Any] = {**shot.columns, "facts": np.array(json.dumps(facts))}
    write_whole(folder / f"{take.name}.npy", _bytes(lambda file: np.save(file, shot.embedding)))
    write_whole(folder / f"{take.name}.npz", _bytes(lambda file: np.savez(file, **held)))


def _bytes(write: Callable[[io.BytesIO], None]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def takes_in(folder: Path, reel: int | None = None) -> dict[int, list[Take]]:
    """Reel to its takes, the latest looks first; of what is whole, of all reels or of one."""
    found: dict[int, list[Take]] = {}
    for path in folder.glob("*.npz" if reel is None else f"{reel:06}[+-]*.npz"):
        named = _TAKE.fullmatch(path.name)
        if named and _whole(path):
            take = Take(*(int(number) for number in named.groups()))
            found.setdefault(take.reel, []).append(take)
    return {reel: sorted(takes, reverse=True) for reel, takes in found.items()}


def _whole(path: Path) -> bool:
    try:
        np.load(path.with_suffix(".npy"), mmap_mode="r")
        return zipfile.is_zipfile(path)
    except (OSError, ValueError):
        return False


def bill_of(folder: Path) -> tuple[int, float]:
    """Frames painted for all takes, and the CPU seconds that took."""
    facts = [_read(folder, take, columns=False)[0] for takes in takes_in(folder).values() for take in takes]
    return sum(each["frames"] for each in facts), sum(each["spent_s"] for each in facts)


def _read(folder: Path, take: Take, *, columns: bool = True) -> tuple[dict[str, Any], dict[str, Bits]]:
    """Facts, and columns by sort where they are asked for. Raises DamagedFilm."""
    path = folder / f"{take.name}.npz"
    try:
        with np.load(path, allow_pickle=False) as held:
            facts = json.loads(str(held["facts"]))
            return facts, {sort: held[sort] for sort in facts["names"] if columns}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DamagedFilm(path) from error


class Footage:
    """Some reels of a film, from so many looks before those that count, ready to be looked at.

    Block i of the footage is row i; a take is read when it is opened, embeddings when they are asked for.
    """

    def __init__(self, folder: Path, reels: Sequence[int], lead: int) -> None:
        self._lead = lead
        parts, self._embeddings = [], []
        for reel in reels:
            takes = [take for take in takes_in(folder, reel)[reel] if take.stop > -lead][::-1]
            facts, columns = zip(*(_read(folder, take) for take in takes), strict=True)
            more = -lead - takes[0].first
            names = facts[0]["names"]
            parts.append({sort: np.concatenate([each[sort] for each in columns], axis=1)[:, more:] for sort in names})
            seen = [np.load(folder / f"{take.name}.npy", mmap_mode="r") for take in takes]
            self._embeddings.append((np.concatenate(seen) if len(seen) > 1 else seen[0])[more:])
        self._names: dict[str, list[str]] = names
        self._columns = {sort: np.concatenate([part[sort] for part in parts], axis=2) for sort in names}

    def table(self, rows: Ints, looks: Ints, tick: int, backbone: str) -> SignalTable:
        """What cars knew; rows: (m,) ascending; looks: (m,) of each, 0 the first that counts."""
        at = looks + self._lead
        columns: dict[str, Bits] = {}
        valid: dict[str, NDArray[np.bool_]] = {}
        for sort, names in self._names.items():
            taken = self._columns[sort][:, at, rows]
            (valid if sort == VALID else columns).update(zip(names, taken, strict=True))
        return SignalTable(rows.astype(np.uint32), tick, columns, self._embedding(rows, at), valid, backbone)

    def _embedding(self, rows: Ints, at: Ints) -> NDArray[np.float32]:
        out = np.empty((len(rows), self._embeddings[0].shape[2]), np.float32)
        blocks = self._embeddings[0].shape[1]  # of a reel
        ends = np.searchsorted(rows, np.arange(len(self._embeddings) + 1) * blocks)
        for reel, embedding in enumerate(self._embeddings):
            here = slice(ends[reel], ends[reel + 1])
            out[here] = embedding[at[here], rows[here] - reel * blocks]
        return out


class Screening(Onboard):
    """Computers of cars that are shown a film in the place of the world; all else is theirs."""

    def __init__(self, driven: Driven, loadout: Loadout, footage: Footage) -> None:
        super().__init__(driven.world, [loadout], first_car=0, cars=len(driven.passes))
        self._footage, self._passes, self._step = footage, driven.passes, driven.step

    def see(self, loadout: Loadout, cars: NDArray[np.uint32], tick: int) -> SignalTable:
        """What was painted and perceived when the film was made."""
        rows = cars.astype(np.int64)
        looks = (tick - ORIGIN) // self._step - self._passes.lead[rows]
        return self._footage.table(rows, looks, tick, loadout.production.backbone)


def show(studio: Studio, task: tuple[Path, Sequence[int], Passes]) -> Marks:
    """What triggers make of the blocks on some reels of a film."""
    folder, reels, passes = task
    begun_s = time.process_time()
    footage = Footage(folder, reels, int(passes.lead.max()))
    driven = begun(studio.world, len(studio.fitting.specs), passes, studio.step)
    judge(driven, Screening(driven, studio.fitting.loadout(len(passes)), footage), studio)
    driven.spent_s = time.process_time() - begun_s
    return marks_of(driven)
