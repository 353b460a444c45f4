"""From the inbox to what people read: rows to Delta tables, clips to MCAP files, each exactly once.

The promise is the ledger's: what it acknowledged it keeps until the tables have it on disk. Each commit to a table
carries the number of the last ledger entry it covers, in the same commit, so there is no moment at which the rows are
written and the number is not. A compactor that is killed anywhere starts again at the ledger's first entry and skips,
table by table, what that table has.
"""

import hashlib
import re
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import structlog

from telemetry.clip import Clip
from telemetry.clips import read_clip, write_clip
from telemetry.delta import Appended, no_room
from telemetry.errors import MalformedClip
from telemetry.ledger import Entry, Ledger
from telemetry.messages import Rows
from telemetry.segments import sync_folder
from telemetry.tables import arrow_table

log = structlog.get_logger()

GROUP = 256
"""Ledger entries a step, and so a commit, at most."""

_WRITER = "inbox"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}")


class Compactor:
    """Moves what is in a store's ledger into its tables and clips; one at a time for each store."""

    def __init__(self, ledger: Ledger, store: Path) -> None:
        self._ledger = ledger
        self._store = store
        self._upto = 0
        self._tables: dict[str, Appended] = {}

    def step(self, limit: int = GROUP) -> int:
        """Move at most `limit` entries and forget them in the ledger; how many there were.

        When it returns, they are on disk as rows and clips. Raises StorageFull: try again when there is room.
        """
        rows: dict[str, list[tuple[int, pa.Table]]] = defaultdict(list)
        moved = 0
        for entry in self._ledger.entries(self._upto, limit):
            table, found = self._take(entry)
            rows[table].append((entry.seq, found))
            upto, moved = entry.seq, moved + 1
        if not moved:
            return 0
        for table, group in rows.items():
            self._commit(table, group, upto)
        self._ledger.prune(upto)
        self._upto = upto
        log.debug("entries_compacted", entries=moved, upto=upto)
        return moved

    def drain(self) -> int:
        """Move all there is, and rewrite tables of many small files; how many entries there were."""
        moved = 0
        while step := self.step():
            moved += step
        for appended in self._tables.values():
            appended.tidy()
        return moved

    def _take(self, entry: Entry) -> tuple[str, pa.Table]:
        """An entry as rows of a table; a clip's file is written on the way."""
        if isinstance(entry.header, Rows):
            return entry.header.table, arrow_table(entry.header.table, entry.columns())
        return "clips", self._keep_clip(entry.clip())

    def _commit(self, table: str, group: list[tuple[int, pa.Table]], upto: int) -> None:
        if table not in self._tables:
            self._tables[table] = Appended(self._store, table, writer=_WRITER)
        appended = self._tables[table]
        fresh = [rows for seq, rows in group if seq > appended.upto]
        if fresh:
            appended.append(pa.concat_tables(fresh), upto)
        appended.sync()

    def _keep_clip(self, clip: Clip) -> pa.Table:
        folder = self._store / "clips"
        with no_room(self._store):
            if not folder.exists():
                folder.mkdir(parents=True)
                sync_folder(self._store)
            path = _path_of(clip, folder)
            write_clip(clip, path)
        return _row_of(clip, path.relative_to(self._store))


def _path_of(clip: Clip, folder: Path) -> Path:
    """The clip's id as a file name; with its run behind it where another run of the store has the name already."""
    plain = clip.id if _PLAIN_NAME.fullmatch(clip.id) else _short(clip.id)
    path = folder / f"{plain}.mcap"
    try:
        if not path.exists() or read_clip(path).run == clip.run:
            return path
    except MalformedClip as error:
        log.warning("clip_damaged", clip=clip.id, why=error.why)
    return folder / f"{plain}.{_short(clip.run)}.mcap"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _row_of(clip: Clip, file: Path) -> pa.Table:
    row = {
        "run": clip.run,
        "car": clip.car,
        "t_us": clip.t_us,
        "clip": clip.id,
        "trigger": clip.trigger,
        "version": clip.version,
        "score": clip.score,
        "priority": clip.priority,
        "first_tick": min(clip.ticks, default=clip.tick),
        "last_tick": max(clip.ticks, default=clip.tick),
        "frames": sum(bool(picture) for picture in clip.pictures),
        "cameras": ",".join(clip.cameras),
        "bytes": clip.nbytes,
        "complete": clip.complete,
        "file": file.as_posix(),
        "sha256": clip.sha256,
    }
    return arrow_table("clips", {name: [value] for name, value in row.items()})
