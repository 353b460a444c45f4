"""What a fleet does with the packages of its plan: every car is offered the same, so one answer holds for all."""

import atexit
import datetime as dt
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.plan import RunPlan
from triggers import TriggerSpec, load_spec, packages

Events = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """The triggers of a plan's loadout.

    specs:    those named by the plan, and those of the last package that the cars took
    ready:    the same, with the files of the package unpacked where the specs look for them
    offers:   what became of each package, for the manifest
    events:   the same, as (action, reason), for the table of rollouts
    """

    specs: tuple[TriggerSpec, ...]
    ready: Callable[[], tuple[TriggerSpec, ...]]
    offers: tuple[dict[str, Any], ...] = ()
    events: Events = ()


def take(plan: RunPlan, backbone: str, unpacked: Path | None) -> Taken:
    """Load the plan's triggers; a package is taken or refused, and one that is taken replaces the one before.

    backbone: of the production network; unpacked: where the files of packages go (None: a folder for this process).
    Simulated time enters here and nowhere else: the run starts on `plan.date` at `plan.start`, UTC.
    """
    named = tuple(load_spec(name) for name in plan.loadout.triggers if not is_package(name))
    files = [name for name in plan.loadout.triggers if is_package(name)]
    if not files or plan.loadout.trust is None or plan.date is None:
        return Taken(named, lambda: named)
    trust, last = packages.Trust.read(Path(plan.loadout.trust)), None
    now = dt.datetime.combine(plan.date, dt.time(), dt.UTC) + dt.timedelta(microseconds=plan.start_us)
    offers: list[dict[str, Any]] = []
    for file in files:
        raw = Path(file).read_bytes()
        offer = {"package": Path(file).name, "sha256": hashlib.sha256(raw).hexdigest()}
        try:
            last = packages.verify(raw, trust, now=now, backbone=backbone)
            trust = last.trust
            offers.append({**offer, "taken": True, "reason": f"version {last.version}"})
        except packages.PackageRefused as refused:
            offers.append({**offer, "taken": False, "reason": str(refused)})
    events = tuple(("take" if one["taken"] else "refuse", f"{one['package']}: {one['reason']}") for one in offers)
    if last is None:
        return Taken(named, lambda: named, tuple(offers), events)
    package, folder = last, (unpacked or _own_folder()) / hashlib.sha256(last.trust.timestamp).hexdigest()[:16]
    return Taken((*named, *package.specs), lambda: (*named, *package.install(folder)), tuple(offers), events)


def is_package(name: str) -> bool:
    """Whether a loadout names a package, not a trigger."""
    return name.endswith(packages.SUFFIX)


def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="outrider-packages-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
