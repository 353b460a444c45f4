"""A shard's state on disk: arrays and plain facts, no pickle, whole or not there at all."""

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fleet.errors import ForeignCheckpoint
from fleet.simulation.run_folder import CHECKPOINTS, write_whole
from fleet.simulation.state import Arrays

if TYPE_CHECKING:
    from fleet.simulation.simulation import Simulation

SCHEMA = 3
KEEP = 2  # the newest may be ahead of a shard that died


def save(sim: "Simulation", barrier_us: int) -> None:
    """Write what a shard knows at a barrier, in one step, and forget the shard's older checkpoints."""
    if sim.job.folder is None:
        return
    parcels, recipes = sim.outbox.state()
    arrays = {f"outbox/{name}": values for name, values in parcels.items()}
    arrays |= {f"state/{name}": values for name, values in sim.state.arrays().items()}
    for cohort in sim.cohorts:
        arrays |= cohort.arrays()
    facts = {
        "parcels": recipes,
        "open_clips": [cohort.onboard.recorder.state() for cohort in sim.cohorts],
        "steps": sim.uploads.facts(),
        "granted": sim.keeping.facts(),
        "spent": sim.spending.facts(),
        "asked": sim.checkins.facts(),
    }
    path = _path(sim, barrier_us)
    write_whole(path, pack(arrays, {"schema": SCHEMA, "belongs_to": sim.job.belongs_to, **facts}))
    for old in sorted(path.parent.glob(f"shard-{sim.job.shard}-*.npz"))[:-KEEP]:
        old.unlink()


def restore(sim: "Simulation", barrier_us: int) -> None:
    """Bring a shard back to a barrier; ForeignCheckpoint where that cannot be."""
    path = _path(sim, barrier_us)
    arrays, facts = unpack(path)
    if facts.get("schema") != SCHEMA or facts.get("belongs_to") != sim.job.belongs_to:
        raise ForeignCheckpoint(path, "another plan or another build wrote it")
    for cohort, open_clips in zip(sim.cohorts, facts["open_clips"], strict=True):
        cohort.restore(arrays, open_clips)
    sim.state.restore(_under("state/", arrays))
    sim.outbox.restore(_under("outbox/", arrays), facts["parcels"], sim.cohorts[0].specs)
    sim.uploads.restore(facts["steps"])
    sim.keeping.restore(facts["granted"])
    sim.spending.restore(facts["spent"])
    sim.checkins.restore(facts["asked"])


def pack(arrays: Arrays, facts: dict[str, Any]) -> bytes:
    """Arrays (of anything but objects) and JSON as one npz."""
    packed = io.BytesIO()
    np.savez(
        packed,
        allow_pickle=False,
        **{f"a:{name}": values for name, values in arrays.items()},
        facts=np.array(json.dumps(facts)),
    )
    return packed.getvalue()


def unpack(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """What `pack` packed; ForeignCheckpoint where the file is missing or damaged."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as packed:
            arrays = {name[2:]: packed[name] for name in packed.files if name.startswith("a:")}
            return arrays, dict(json.loads(str(packed["facts"])))
    except FileNotFoundError as error:
        raise ForeignCheckpoint(path, "it is missing") from error
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError) as error:
        raise ForeignCheckpoint(path, f"it is damaged ({error})") from error


def _path(sim: "Simulation", barrier_us: int) -> Path:
    return (sim.job.folder or Path()) / CHECKPOINTS / f"shard-{sim.job.shard}-{barrier_us:015}.npz"


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
