"""What cars tell besides clips: signals at every check-in, and what happened since the last barrier."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fleet.simulation.clock import without_phase_us
from fleet.simulation.cohort import Cohort
from fleet.simulation.equipment import LOADOUT
from fleet.simulation.state import FleetState
from scenarios import TICK_US
from telemetry import TABLES, Link
from triggers import Reason, SignalTable
from vehicle import Cut, Outbox, Parcel

Rows = dict[str, NDArray[Any] | list[Any]]
Upload = tuple[Parcel, str, str]  # a parcel, its status, the link it had then
VSS = tuple(name for name in TABLES["signals"].columns if name.startswith("Vehicle."))
LINKS = np.array([link.name.lower() for link in Link])


class Wire(Protocol):
    """Where rows go."""

    def send_rows(self, table: str, batch: str, columns: Mapping[str, NDArray[Any] | Sequence[Any]]) -> None:
        """Rows of one table; a batch that arrives twice is kept once."""


class CheckIns:
    """Collects a shard's rows between barriers and sends each table's as one batch, named by shard and barrier.

    Of private moments there is no row of signals, and of a car whose owner has opted out no row at all.

    fleet: how many cars there are in all shards
    """

    def __init__(self, shard: int, cohorts: Sequence[Cohort], state: FleetState, outbox: Outbox, *, fleet: int) -> None:
        self._shard, self._cohorts, self._state, self._outbox, self._fleet = shard, cohorts, state, outbox, fleet
        self._asked: set[int] = set()
        self._signals: list[SignalTable] = []
        self._fires: list[Cut] = []
        self._uploads: list[Upload] = []

    def ask(self) -> None:
        """A check-in: every car answers with what it knows at its next look."""
        self._asked = {cohort.first for cohort in self._cohorts}

    def looked(self, cohort: Cohort, fires: Iterable[Cut]) -> None:
        """Note what a cohort saw, where it was asked, and what fired."""
        if cohort.first in self._asked:
            self._asked.discard(cohort.first)
            self._signals += cohort.onboard.tables
        self._fires += fires

    def uploaded(self, parcel: Parcel, status: str) -> None:
        """Note how a clip's stay in the outbox ended (delivered, or why it was given up), and over which link."""
        self._uploads.append((parcel, status, str(LINKS[self._state.link[parcel.cut.car - self._state.first]])))

    def send(self, wire: Wire, now_us: int, refused: frozenset[str], events: Sequence[tuple[str, str]] = ()) -> None:
        """Send everything since the last barrier and begin anew.

        refused: clips that the fleet's quota left out; events: what happened to the whole fleet's software, told by
        the first shard.
        """
        tables = {
            "rollouts": self._rollout_rows(events if self._shard == 0 else ()),
            "fires": self._fire_rows(refused),
            "uploads": self._upload_rows(self._uploads),
            "reasons": self._reason_rows(),
            "signals": self._signal_rows(),
            "vehicles": self._vehicle_rows(),
            "shadow": self._shadow_rows(),
        }
        for table, columns in tables.items():
            self._send(wire, table, now_us, columns)
        self._signals, self._fires, self._uploads = [], [], []

    def send_waiting(self, wire: Wire, now_us: int) -> None:
        """At the end of the run: what is still in the outboxes."""
        for car in self._state.cars.tolist():
            for parcel in self._outbox.parcels(car):
                if parcel.finished_us < 0:
                    self.uploaded(parcel, "waiting")
        self._send(wire, "uploads", now_us, self._upload_rows(self._uploads), "waiting-")

    def facts(self) -> list[int]:
        """Cohorts that were asked and have not looked since, for a checkpoint at a barrier."""
        return sorted(self._asked)

    def restore(self, facts: Iterable[int]) -> None:
        """Take over what `facts` gave."""
        self._asked = set(facts)

    def _send(self, wire: Wire, table: str, now_us: int, columns: Rows, part: str = "") -> None:
        columns = self._without_silent(columns)
        rows = len(next(iter(columns.values())))
        if rows == 0:
            return
        known: Rows = {"t_us": np.full(rows, now_us, np.int64)}
        wire.send_rows(table, f"{table}-{part}{self._shard}-{now_us}", known | columns)

    def _without_private(self, table: SignalTable) -> SignalTable:
        """The rows of a table that may be told."""
        onboard = self._cohorts[0].onboard
        ticks = np.full(len(table), table.tick, np.int64)
        private = onboard.loadouts[0].privacy.private(onboard.world, table.cars, ticks)
        return table.select(np.flatnonzero(~private)) if private.any() else table

    def _without_silent(self, columns: Rows) -> Rows:
        """The rows of cars whose owners have not opted out."""
        silent = np.zeros(0, np.bool_)
        if "car" in columns:
            silent = self._cohorts[0].onboard.loadouts[0].privacy.silent(np.asarray(columns["car"], np.uint32))
        if not silent.any():
            return columns
        return {name: np.asarray(values, object)[~silent].tolist() for name, values in columns.items()}

    def _fire_rows(self, refused: frozenset[str]) -> Rows:
        fires = self._fires
        return {
            "car": [cut.car for cut in fires],
            "t_us": [cut.tick * TICK_US for cut in fires],
            "tick": [cut.tick for cut in fires],
            "trigger": [cut.spec.name for cut in fires],
            "version": [cut.spec.version for cut in fires],
            "score": [cut.score for cut in fires],
            "clip": ["" if cut.clip in refused else cut.clip for cut in fires],
        }

    def _upload_rows(self, uploads: Sequence[Upload]) -> Rows:
        parcels = [parcel for parcel, _, _ in uploads]
        return {
            "car": [parcel.cut.car for parcel in parcels],
            "t_us": [without_phase_us(parcel.queued_us) for parcel in parcels],
            "clip": [parcel.cut.clip for parcel in parcels],
            "trigger": [parcel.cut.spec.name for parcel in parcels],
            "partition": [parcel.partition.name for parcel in parcels],
            "bytes": [parcel.nbytes for parcel in parcels],
            "sent_bytes": [int(parcel.sent_bytes) for parcel in parcels],
            "started_us": [_or_none(parcel.started_us) for parcel in parcels],
            "finished_us": [_or_none(parcel.finished_us) for parcel in parcels],
            "interruptions": [parcel.interruptions for parcel in parcels],
            "status": [status for _, status, _ in uploads],
            "link": [link for _, _, link in uploads],
        }

    def _reason_rows(self) -> Rows:
        cars, triggers, reasons, counts = [], [], [], []
        for cohort in self._cohorts:
            for trigger, counted in sorted(cohort.memory.take_counts().items()):
                rows, which = np.nonzero(counted)
                cars += (rows + cohort.first).tolist()
                triggers += [trigger] * len(rows)
                reasons += [Reason(reason).name for reason in which.tolist()]
                counts += counted[rows, which].tolist()
        return {"car": cars, "trigger": triggers, "reason": reasons, "count": counts}

    def _signal_rows(self) -> Rows:
        tables = [open_ for table in self._signals if len(open_ := self._without_private(table))]
        if not tables:
            return {"car": []}
        known: Rows = {path: np.concatenate([_with_gaps(table, path) for table in tables]) for path in VSS}
        ticks = np.concatenate([np.full(len(table), table.tick, np.int64) for table in tables])
        return {"car": np.concatenate([table.cars for table in tables]), "t_us": ticks * TICK_US, **known}

    def _vehicle_rows(self) -> Rows:
        clips, waiting = self._outbox.waiting
        state = self._state
        return {
            "car": state.cars,
            "loadout": [LOADOUT] * len(clips),
            "driving": state.driving.copy(),
            "link": LINKS[state.link].tolist(),
            "waiting_clips": clips,
            "waiting_bytes": np.ceil(waiting).astype(np.int64),
            "uploaded_bytes": np.floor(state.uploaded_bytes).astype(np.int64),
        }

    def _rollout_rows(self, events: Sequence[tuple[str, str]]) -> Rows:
        return {
            "loadout": [LOADOUT] * len(events),
            "cars": [self._fleet] * len(events),
            "action": [action for action, _ in events],
            "reason": [reason for _, reason in events],
        }

    def _shadow_rows(self) -> Rows:
        columns: dict[str, list[Any]] = {name: [] for name in ("car", "candidate", "task", "ticks", "mean", "max")}
        for cohort in self._cohorts:
            for (candidate, task), sums in sorted(cohort.onboard.tally.take().items()):
                rows = np.flatnonzero(sums[:, 0])
                ticks, total, most = sums[rows].T
                columns["car"] += (rows + cohort.first).tolist()
                columns["candidate"] += [candidate] * len(rows)
                columns["task"] += [task] * len(rows)
                columns["ticks"] += ticks.astype(int).tolist()
                columns["mean"] += (total / ticks).tolist()
                columns["max"] += most.tolist()
        return dict(columns)


def _or_none(time_us: int) -> int | None:
    return without_phase_us(time_us) if time_us >= 0 else None


def _with_gaps(table: SignalTable, path: str) -> NDArray[Any]:
    """A column as it goes on the wire: NaN where a number is not valid, VSS's word for a level of autonomy."""
    column = table[path]
    if column.dtype.kind == "i":
        return np.array([f"SAE_{level}" for level in column.tolist()])
    return column if column.dtype == np.bool_ else np.where(table.defined(path), column, np.nan).astype(np.float32)
