"""From the inbox to what people read: rows to Delta tables, clips to MCAP files, each exactly once.

The promise is the ledger's: what it acknowledged it keeps until the tables have it safe, wherever they lie. Each
commit to a table carries the number of the last ledger entry it covers, in the same commit, so there is no moment at
which the rows are written and the number is not. A compactor that is killed anywhere starts again at the ledger's first
entry and skips, table by table, what that table has.
"""

import datetime as dt
import hashlib
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from telemetry.clip import Clip
from telemetry.clip_topics import to_mcap
from telemetry.clips import clip_in
from telemetry.delta import Appended, utc_day
from telemetry.destination import Destination, Folder
from telemetry.errors import MalformedClip, NotNow, StoreContended
from telemetry.events import log
from telemetry.ledger import Entry
from telemetry.messages import Rows
from telemetry.tables import arrow_table

GROUP = 256
"""Ledger entries a step, and so a commit, at most."""

_NAME = "inbox/writer"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}")


class Inbox(Protocol):
    """What a ledger has for a compactor.

    store: the folder it lies in
    """

    store: Path

    def entries(self, after: int, limit: int) -> Iterator[Entry]:
        """Entries above `after`, ascending, at most `limit`."""

    def prune(self, upto: int) -> None:
        """Forget the entries up to and with `upto`."""


class Compactor:
    """Moves what is in a ledger into tables and clips; one at a time for each ledger, any number for a destination."""

    def __init__(self, ledger: Inbox, destination: Destination, *, today: Callable[[], dt.date] = utc_day) -> None:
        """today: the day that rows are put down as received on. Raises NotNow where the ledger's disk is full."""
        self._ledger, self._destination, self._today = ledger, destination, today
        self._writer = _name_of(ledger.store)
        self._upto = 0
        self._tables: dict[str, Appended] = {}

    def step(self, limit: int = GROUP) -> int:
        """Move at most `limit` entries and forget them in the ledger; how many there were.

        When it returns, they are safe as rows and clips. Raises NotNow: nothing was forgotten, try again.
        """
        rows: dict[str, list[tuple[int, pa.Table]]] = defaultdict(list)
        moved = 0
        for entry in self._ledger.entries(self._upto, limit):
            table = entry.header.table if isinstance(entry.header, Rows) else "clips"
            if entry.seq > self._open(table).upto:
                rows[table].append((entry.seq, self._take(entry)))
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
        """Move all there is, and rewrite tables of many small files; how many entries there were. Raises NotNow."""
        moved = 0
        while step := self.step():
            moved += step
        for table, appended in list(self._tables.items()):
            try:
                appended.tidy()
            except NotNow as error:  # all is in the tables; there will be another time
                log.info("table_not_tidied", table=table, why=str(error))
                del self._tables[table]
        return moved

    def _open(self, table: str) -> Appended:
        if table not in self._tables:
            self._tables[table] = Appended(self._destination, table, writer=self._writer, today=self._today)
            self._tables[table].sync()  # what a process before us committed and may not have synced
        return self._tables[table]

    def _take(self, entry: Entry) -> pa.Table:
        """An entry as rows of its table; a clip's file is written on the way."""
        if isinstance(entry.header, Rows):
            return arrow_table(entry.header.table, entry.columns())
        return self._keep_clip(entry.clip())

    def _commit(self, table: str, group: list[tuple[int, pa.Table]], upto: int) -> None:
        for again in (True, False):
            appended = self._open(table)
            fresh = [rows for seq, rows in group if seq > appended.upto]
            try:
                if fresh:
                    appended.append(pa.concat_tables(fresh), upto)
                appended.sync()
            except NotNow as error:
                del self._tables[table]  # it may be written all the same: look at the table itself before the next try
                if not again or not isinstance(error, StoreContended):
                    raise
            else:
                return

    def _keep_clip(self, clip: Clip) -> pa.Table:
        file = self._file_of(clip)
        self._destination.keep(file, to_mcap(clip))
        return _row_of(clip, file)

    def _file_of(self, clip: Clip) -> str:
        """The clip's id as a file name; with its run behind it where another run has the name already."""
        plain = clip.id if _PLAIN_NAME.fullmatch(clip.id) else _short(clip.id)
        file = f"clips/{plain}.mcap"
        try:
            if not self._destination.has(file) or clip_in(self._destination.read(file), file).run == clip.run:
                return file
        except MalformedClip as error:
            log.warning("clip_damaged", clip=clip.id, why=error.why)
        return f"clips/{plain}.{_short(clip.run)}.mcap"


def _name_of(store: Path) -> str:
    """What the compactor of this ledger is called in tables, for ever: no two ledgers may count under one name."""
    folder = Folder(store)
    if not folder.has(_NAME):
        folder.keep(_NAME, f"inbox-{uuid.uuid4().hex}".encode())
    return folder.read(_NAME).decode()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _row_of(clip: Clip, file: str) -> pa.Table:
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
        "file": file,
        "sha256": clip.sha256,
    }
    return arrow_table("clips", {name: [value] for name, value in row.items()})
