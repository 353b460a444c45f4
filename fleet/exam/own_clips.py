"""The exam on recorded clips that somebody labelled: the trigger is run over them as a car would, and compared.

Labels are a table with a row a clip (CSV or Parquet), or a run's table `labels`:

    clip        the name of the file, without .mcap
    label       whether what the trigger is for is there
    encounter   optional: clips of one encounter count once; else each clip is one
    weight, stratum, car, drive, and what slices are made by: optional, as in `own_data`
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from fleet.errors import BadScores
from fleet.exam.changes import name_of, specs_of
from fleet.exam.own_data import gathered, read_table
from fleet.exam.own_exam import Asked, OwnExam, Snap, examine_own
from fleet.exam.own_versus import Other
from fleet.exam.recordings import Playback, Recording, read_recording, rig_of
from fleet.labels import NO, YES, clips_below, not_below
from scenarios import Rig
from triggers import Memory, Reason, TriggerSpec
from vehicle import Loadout, Network, Onboard, load_network

TOGETHER = 32  # clips run side by side

Watch = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ClipOrder(Asked):
    """What to examine on which clips.

    spec: name or file; folder: with MCAP files in it or below; labels: a file, or a run folder; network, shadows: what
    the cars run; versus: another version, "" for none
    """

    spec: str
    folder: Path
    labels: Path
    network: str = "hydranet-v1"
    shadows: tuple[str, ...] = ()
    versus: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Ran:
    """What a trigger said of one clip.

    fired: in it, or already when it began; score: the highest, NaN for none; tick: at which; undefined: share of the
    looks at which something that it reads was not there; mb: what its pictures weigh; pictures: at that tick
    """

    fired: bool
    score: float
    tick: int
    undefined: float
    mb: float
    pictures: tuple[tuple[str, bytes], ...]


def examine_clips(order: ClipOrder, watch: Watch = lambda *_: None) -> OwnExam:
    """Run a trigger over labelled clips and examine it.

    Raises BadScores, UnreadableClip, BadRequirement, NothingToCompare, TriggerError, VehicleError.
    """
    specs = specs_of(order.spec, order.versus)
    labels = read_labels(order.labels)
    files = _files(order, labels)
    rig = rig_of(files[0])
    networks = [load_network(name) for name in (order.network, *order.shadows)]
    if len(rig.cameras) < networks[0].card["input"]["cameras"]:
        raise BadScores(
            files[0], f"the clip has only {', '.join(rig.names)}; the network needs all cameras (clip: cameras: [])"
        )
    networks[0].must_fit(rig)
    ran: list[tuple[Ran, ...]] = []
    for start in range(0, len(files), TOGETHER):
        recordings = [read_recording(file, rig.names) for file in files[start : start + TOGETHER]]
        ran += run_over(recordings, rig, specs, networks)
        watch("clips", len(ran), len(files))
    said = list(zip(*ran, strict=True))
    own, *others = (
        gathered(order.labels, _joined(labels, each), threshold=0.0, slice_by=order.slice_by) for each in said
    )
    found = examine_own(
        own, order.folder, order, trigger=specs[0].name, threshold=specs[0].threshold(),
        other=Other(name_of(specs[1]), specs[1].version, others[0]) if others else None,
    )  # fmt: skip
    return replace(found, snaps=tuple(_with_pictures(found, labels, said)), remarks=tuple(_remarks(said)))


def run_over(
    recordings: Sequence[Recording], rig: Rig, specs: Sequence[TriggerSpec], networks: Sequence[Network]
) -> list[tuple[Ran, ...]]:
    """What each trigger says of each clip, which is driven side by side with the others, as its own car.

    Fired counts, and so does what held already when the clip began: its edge was before, so it fired then.
    """
    world, n, shape = Playback(recordings, rig), len(recordings), (len(recordings), len(specs))
    loadout = Loadout.equip("exam", networks[0], networks[1:], specs, Memory(0, n))
    onboard = Onboard(world.as_world, [loadout], first_car=0, cars=n)
    fired, score, best = np.zeros(shape, np.bool_), np.full(shape, np.nan), np.zeros(shape, np.int64)
    looks, undefined = np.zeros((n, 1)), np.zeros(shape)
    for tick in sorted({tick for recording in recordings for tick in recording.pictures}):
        cars = np.array([i for i, recording in enumerate(recordings) if tick in recording.pictures], np.uint32)
        verdicts = loadout.evaluator.observe(world.recorded(onboard.see(loadout, cars, tick)))
        reasons, scores = verdicts.reasons, verdicts.scores.astype(np.float64)
        fired[cars] |= (reasons == Reason.FIRED) | ((reasons == Reason.HELD) & (looks[cars] == 0))
        better = np.isfinite(scores) & (reasons != Reason.GATED) & ~(scores <= score[cars])
        score[cars], best[cars] = np.where(better, scores, score[cars]), np.where(better, tick, best[cars])
        looks[cars] += 1
        undefined[cars] += reasons == Reason.UNDEFINED
    return [
        tuple(
            Ran(bool(fired[i, k]), float(score[i, k]), int(best[i, k]), float(undefined[i, k] / looks[i, 0]),
                recording.nbytes / 1e6, _shown(recording, int(best[i, k]), rig))
            for k in range(len(specs))
        )
        for i, recording in enumerate(recordings)
    ]  # fmt: skip


def read_labels(place: Path) -> pa.Table:
    """A row a clip, of a file or of a run's table `labels`. Raises BadScores, NotARun."""
    if not place.is_dir():
        table = read_table(place, ("clip", "label"))
        times = Counter(table["clip"].to_pylist())
        if twice := next((clip for clip, count in times.items() if count > 1), None):
            raise BadScores(place, f"clip {twice} is there more than once")
        return table
    from telemetry import open_run

    said: dict[str, float] = {}
    query = "SELECT clip, label, coalesce(confidence, 1.0) FROM labels WHERE clip <> ''"
    for clip, label, sure in open_run(place).execute(query).fetchall():
        word = str(label).strip().lower()
        if word not in (*YES, *NO):
            raise BadScores(place, f"labels: expected yes or no for clip {clip}, and this is {label!r}")
        said[clip] = said.get(clip, 0.0) + (sure if word in YES else -sure)
    if not said:
        raise BadScores(place, "its table `labels` says nothing of a clip")
    if split := [clip for clip, balance in said.items() if balance == 0]:
        raise BadScores(place, f"labels: as many say yes as no of {len(split)} clips, such as {split[0]}")
    return pa.table({"clip": sorted(said), "label": [said[clip] > 0 for clip in sorted(said)]})


def _files(order: ClipOrder, labels: pa.Table) -> list[Path]:
    """The file of each label. Raises BadScores."""
    if not order.folder.is_dir():
        raise BadScores(order.folder, "no such folder; expected one with clips (*.mcap) in it")
    there = clips_below(order.folder)
    if not there:
        raise BadScores(order.folder, "there are no clips (*.mcap) in it")
    names = [str(each).removesuffix(".mcap") for each in labels["clip"].to_pylist()]
    if strangers := [name for name in names if name not in there]:
        raise BadScores(order.labels, not_below(order.folder, strangers))
    return [there[name] for name in names]


def _joined(labels: pa.Table, ran: Sequence[Ran]) -> pa.Table:
    """Labels and outcomes, a row a clip, as `own_data` wants them."""
    kept = {name: labels[name] for name in labels.column_names if name not in ("score", "fired", "mb")}
    if "encounter" not in kept:
        kept["encounter"] = labels["clip"]
    outcomes = {name: [getattr(each, name) for each in ran] for name in ("fired", "score", "mb")}
    return pa.table({**kept, **outcomes})


def _with_pictures(found: OwnExam, labels: pa.Table, said: Sequence[Sequence[Ran]]) -> list[Snap]:
    """With pictures, of the clip of the encounter that has the highest score: the other's, where it fired alone."""
    names = [str(name) for name in labels["encounter" if "encounter" in labels.column_names else "clip"].to_pylist()]
    best = [_best(names, ran) for ran in said]
    return [
        replace(snap, pictures=best[1 if snap.sort.startswith("other") else 0][snap.about].pictures)
        for snap in found.snaps
    ]


def _best(names: Sequence[str], ran: Sequence[Ran]) -> dict[str, Ran]:
    """Encounter to the clip with the highest score."""
    best: dict[str, Ran] = {}
    for name, each in zip(names, ran, strict=True):
        if name not in best or np.nan_to_num(each.score, nan=-np.inf) > np.nan_to_num(best[name].score, nan=-np.inf):
            best[name] = each
    return best


def _remarks(said: Sequence[Sequence[Ran]]) -> list[str]:
    """Of the trigger and of the other, if there is one: where it was blind."""
    found = []
    for who, ran in zip(("the trigger", "the other version"), said, strict=False):
        if blind := sum(each.undefined >= 1.0 for each in ran):
            where = f"In {blind} of {len(ran)} clips something that {who} reads was never there, so it could not fire"
            found.append(f"{where}: are signals (/telemetry) recorded?")
    return found


def _shown(recording: Recording, tick: int, rig: Rig) -> tuple[tuple[str, bytes], ...]:
    return tuple(
        (name, recording.pictures[tick][name]) for name in rig.names[:2] if name in recording.pictures.get(tick, {})
    )
