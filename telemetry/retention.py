"""What a store forgets: the oldest days, by age and by size, rows first and then the files that they pointed at.

Every step leaves a store that is whole. A row is gone, in a commit of its table, before the clip's file is touched; so
a trim that is killed leaves at worst files that no row points at, and the next one takes them. Files stay for an hour
of grace after the last row or table version that needed them, so that whoever opened the store before can read on. What
is in the inbox only is not looked at.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import pyarrow as pa
from deltalake import DeltaTable

from telemetry.delta import GRACE_H, DataFile, files_of, open_delta, open_deltas, utc_day
from telemetry.destination import Destination, Stat
from telemetry.errors import StoreContended
from telemetry.limits import Limits, Trimmed
from telemetry.tables import DAY, TABLES

_JUDGED = ("labels", "truth")  # people paid for them
_TRIES = 5
_NAMES_A_DELETE = 2_000
_AT_ONCE = 8
_STRAY_H = 1  # a clip's file is there for some seconds before its row is


def trim(
    place: Destination,
    limits: Limits,
    *,
    today: Callable[[], dt.date] = utc_day,
    grace_h: int = GRACE_H,
    dry_run: bool = False,
) -> Trimmed:
    """Let go what is over the limits; what went, or with `dry_run` would go.

    May run beside a server and other readers. With `grace_h` 0 files leave at once, and who is reading may miss one.
    Raises NotARun, NotNow: run it again.
    """
    held = _held(place)
    cut = _cut(held, limits, today())
    rows = _rows_of(held, cut)
    if not dry_run:
        for table in rows:
            if any(_within(file.day, cut.upto) for file in held.tables[table]):
                _change(place, table, _deletion(f"{DAY} <= DATE '{cut.upto}'"))
        for names in _chunks(cut.single):
            _change(place, "clips", _deletion(f"file IN ({names})"))
    gone = [clip for clip in held.clips if _within(clip.day, cut.upto)] + cut.single
    freed = _sweep(place, held, [clip.file for clip in gone], grace_h, dry_run=dry_run)
    return Trimmed(
        upto=cut.upto,
        rows=rows,
        clips=len(gone),
        nbytes=cut.nbytes,
        kept_bytes=held.nbytes - cut.nbytes,
        freed_files=len(freed),
        freed_bytes=sum(freed),
        dry_run=dry_run,
        at=_now().isoformat(timespec="seconds"),
    )


def _now() -> dt.datetime:
    """Files and people go by the world's clock."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251 - see above


class _Clip(NamedTuple):
    """A row of `clips`, as far as it matters here; in the order in which they go."""

    day: str
    written_s: float
    file: str
    nbytes: int


@dataclass(frozen=True, slots=True)
class _Held:
    """What there is: the files of each table, the clips that have a row, and the files below clips/."""

    tables: Mapping[str, list[DataFile]]
    clips: list[_Clip]
    files: Mapping[str, Stat]

    @property
    def nbytes(self) -> int:
        return sum(file.nbytes for files in self.tables.values() for file in files) + sum(c.nbytes for c in self.clips)


@dataclass(frozen=True, slots=True)
class _Cut:
    """What is to go: whole days, single clips of another day, the tables it concerns and the weight of it all."""

    upto: str
    single: list[_Clip]
    tables: tuple[str, ...]
    nbytes: int


def _held(place: Destination) -> _Held:
    deltas = {table: delta for table, delta in open_deltas(place).items() if delta is not None}
    files = place.files("clips")
    pointed = _pointed_at(place, deltas.get("clips"))
    none = Stat(0, 0.0)
    clips = sorted(_Clip(day, (stat := files.get(file, none)).written_s, file, stat.nbytes) for file, day in pointed)
    return _Held({table: files_of(delta) for table, delta in deltas.items()}, clips, files)


def _pointed_at(place: Destination, clips: DeltaTable | None) -> list[tuple[str, str]]:
    """The file of each row, and its day."""
    if clips is None:
        return []
    with place.trouble():
        rows = clips.to_pyarrow_dataset()
        found: pa.Table = rows.to_table(columns=[name for name in ("file", DAY) if name in rows.schema.names])
    days = found.column(DAY).to_pylist() if DAY in found.column_names else [None] * len(found)
    return [(file, str(day or "")) for file, day in zip(found.column("file").to_pylist(), days, strict=True)]


def _cut(held: _Held, limits: Limits, today: dt.date) -> _Cut:
    """Days by age; then, while it is too much, the oldest day that is left, and at last single clips."""
    tables = tuple(name for name in held.tables if TABLES[name].dated and (limits.labels or name not in _JUDGED))
    weights = _weights(held, tables)
    too_old = str(today - dt.timedelta(limits.days)) if limits.days is not None else ""
    going = [day for day in weights if day < too_old]
    over = held.nbytes - sum(weights[day] for day in going) - (held.nbytes if limits.nbytes is None else limits.nbytes)
    single: list[_Clip] = []
    for day in sorted(weights.keys() - set(going)):
        if over <= 0:
            break
        clips = [clip for clip in held.clips if clip.day == day]
        if day == max(weights) or sum(clip.nbytes for clip in clips) >= over:
            single = _oldest(clips, over)
            break
        going.append(day)
        over -= weights[day]
    nbytes = sum(weights[day] for day in going) + sum(clip.nbytes for clip in single)
    return _Cut(max(going, default=""), single, tables, nbytes)


def _weights(held: _Held, tables: Iterable[str]) -> dict[str, int]:
    """What each day weighs, oldest first; what has no day is not among it."""
    weighed = [(file.day, file.nbytes) for table in tables for file in held.tables[table]]
    weighed = sorted(each for each in weighed + [(clip.day, clip.nbytes) for clip in held.clips] if each[0])
    return {day: sum(nbytes for _, nbytes in group) for day, group in groupby(weighed, key=lambda each: each[0])}


def _oldest(clips: Iterable[_Clip], nbytes: int) -> list[_Clip]:
    """The first of them that weigh as much together."""
    taken: list[_Clip] = []
    for clip in clips:
        if nbytes <= 0:
            break
        taken.append(clip)
        nbytes -= clip.nbytes
    return taken


def _rows_of(held: _Held, cut: _Cut) -> dict[str, int]:
    rows = {table: sum(file.rows for file in held.tables[table] if _within(file.day, cut.upto)) for table in cut.tables}
    rows["clips"] = rows.get("clips", 0) + len(cut.single)
    return {table: number for table, number in rows.items() if number}


def _within(day: str, upto: str) -> bool:
    return bool(day) and day <= upto


def _chunks(clips: list[_Clip]) -> Iterable[str]:
    """Their files as lists in SQL, none too long for one statement."""
    for first in range(0, len(clips), _NAMES_A_DELETE):
        names = (clip.file.replace("'", "''") for clip in clips[first : first + _NAMES_A_DELETE])
        yield ", ".join(f"'{name}'" for name in names)


def _deletion(predicate: str) -> Callable[[DeltaTable], object]:
    return lambda delta: delta.delete(predicate)


def _change(place: Destination, table: str, work: Callable[[DeltaTable], object]) -> None:
    """Change a table and make that safe; again where somebody else changed it in between."""
    for left in reversed(range(_TRIES)):
        try:
            with place.trouble():
                work(DeltaTable(place.table(table), storage_options=place.options))
        except StoreContended:
            if not left:
                raise
        else:
            place.sync(f"tables/{table}")
            return


def _sweep(place: Destination, held: _Held, gone: list[str], grace_h: int, *, dry_run: bool) -> list[int]:
    """Remove the files that nobody needs, of tables and of clips; the weights of those of clips."""
    for table in held.tables if not dry_run else ():
        _change(place, table, lambda delta: _vacuum(delta, grace_h))
    strays = _strays(place, held, grace_h)
    going = sorted({*strays, *(gone if not grace_h else ())} & held.files.keys())
    if not dry_run and going:
        with ThreadPoolExecutor(_AT_ONCE, "trim") as pool:
            list(pool.map(place.remove, going))
    return [held.files[file].nbytes for file in going]


def _vacuum(delta: DeltaTable, grace_h: int) -> None:
    """With grace also what a killed process never committed; without, that could be a file somebody is just at."""
    full = grace_h > 0
    if delta.vacuum(grace_h, dry_run=True, enforce_retention_duration=False, full=full):
        delta.vacuum(grace_h, dry_run=False, enforce_retention_duration=False, full=full)


def _strays(place: Destination, held: _Held, grace_h: int) -> list[str]:
    """Clips' files that no row points at, nor did when the grace began."""
    before = _now() - dt.timedelta(hours=max(grace_h, _STRAY_H))
    old = {file for file, stat in held.files.items() if stat.written_s < before.timestamp()}
    for then in (None, before) if old else ():
        clips = open_delta(place, "clips")
        if clips is not None and then is not None:
            with place.trouble():
                clips.load_as_version(then)
        old -= {file for file, _ in _pointed_at(place, clips)}
    return sorted(old)
