"""A run from the outside: start it, go on with it, or repeat it."""

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fleet.errors import ForeignCheckpoint, NothingToResume, RunDiverged, RunIncomplete
from fleet.plan import RunPlan, show_clock
from fleet.simulation.barrier import Ledger, Report, Saved, barriers_us
from fleet.simulation.crew import Crew, Ended, Job, LocalCrew, Notice, ProcessCrew, Progress, deal_jobs
from fleet.simulation.equipment import Equipment, belongs_to, equip, pick_device
from fleet.simulation.examiner import joined
from fleet.simulation.run_folder import PACKAGES, RunFolder, refuse_used
from fleet.simulation.server import EmbeddedServer
from fleet.simulation.simulation import Simulation
from fleet.simulation.state import Columns
from telemetry import KeyFile, write_truth

Keep = Callable[[dict[str, Any], Columns], None]
EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to.

    real_time_factor: simulated seconds a wall second
    events: packages taken and refused, triggers suspended: (action, reason)
    """

    run: str
    digest: str
    cars: int
    car_ticks: int
    fires: int
    clips_kept: int
    wall_s: float
    real_time_factor: float
    events: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a run runs, which changes nothing about its outcome.

    server: "embedded", or the endpoint of one that runs already; None: embedded, or as the run began
    key:    to be let in with there; the embedded server makes its own
    device: "auto", "cpu" or "cuda"
    watch:  told how far the shards are
    """

    server: str | None = None
    key: KeyFile | None = None
    device: str = "auto"
    watch: Notice = lambda _: None


def settle_shards(plan: RunPlan, asked: int | None = None) -> RunPlan:
    """The plan with its number of shards: as asked, as planned, or by cores and cars."""
    enough = max(1, math.ceil(plan.cars / (2 * plan.cohort_cars)))
    shards = asked or plan.shards or min(len(os.sched_getaffinity(0)), enough)
    return plan.model_copy(update={"shards": min(shards, plan.cars)})


def start(plan: RunPlan, path: Path, setting: Setting = Setting()) -> Summary:
    """Run a plan into a new folder. FolderNotEmpty, CannotWrite, ServerLost, ShardDied."""
    refuse_used(path)
    plan, device = settle_shards(plan), pick_device(setting.device)
    equipment, server = equip(plan, device, path / PACKAGES), setting.server or EMBEDDED
    # one server may collect runs of one name from many places
    name = path.resolve().name + ("" if server == EMBEDDED else f"-{os.urandom(4).hex()}")
    facts = {"run": name, "seed": plan.seed, "cars": plan.cars, "device": device, "server": server}
    folder = RunFolder.create(path, plan, facts | equipment.identity())
    with folder.held():
        return _into_folder(folder, plan, equipment, setting, [])


def resume(path: Path, setting: Setting = Setting()) -> Summary:
    """Go on with an interrupted run from its last barrier, to the digest it would have had."""
    folder = RunFolder(path)
    manifest, plan = folder.manifest, folder.plan
    if manifest["complete"]:
        raise NothingToResume(path, "the run in it is complete")
    with folder.held():
        equipment = equip(plan, manifest["device"], path / PACKAGES)
        for name, was, now in changes(manifest, equipment):
            raise ForeignCheckpoint(path, f"{name} was {was}, is {now}")
        return _into_folder(folder, plan, equipment, setting, folder.log())


def replay(path: Path, setting: Setting = Setting()) -> Summary:
    """Repeat a complete run without a server; RunDiverged at the first barrier that comes out otherwise."""
    folder = RunFolder(path)
    manifest, plan, log = folder.manifest, folder.plan, iter(folder.log())
    if not manifest["complete"]:
        raise RunIncomplete(path)

    def compare(entry: Mapping[str, Any], _: Columns) -> None:
        before = next(log, {})
        for name, now in entry.items():
            if before.get(name) != now:
                raise RunDiverged(show_clock(entry["barrier_us"]), name, before.get(name), now)

    equipment = equip(plan, manifest["device"], path / PACKAGES)
    for name, was, now in changes(manifest, equipment):
        raise RunDiverged("its start", name, was, now)
    whole = Job(plan, manifest["run"], manifest["device"])
    summary, _ = _conduct(whole, equipment, equipment.ledger(plan), setting.watch, compare)
    if summary.digest != manifest["digest"]:
        raise RunDiverged("its end", "digest", manifest["digest"], summary.digest)
    return summary


def changes(manifest: Mapping[str, Any], equipment: Equipment) -> Iterator[tuple[str, Any, Any]]:
    """What is no longer as the manifest has it: its name, what it was, what it is."""
    for name, now in equipment.identity().items():
        if manifest.get(name) != now:
            yield name, manifest.get(name), now


def _into_folder(
    folder: RunFolder, plan: RunPlan, equipment: Equipment, setting: Setting, log: Sequence[Mapping[str, Any]]
) -> Summary:
    manifest = folder.manifest
    server = setting.server or manifest["server"]
    whole = Job(
        plan,
        manifest["run"],
        manifest["device"],
        folder=folder.path,
        resume_us=log[-1]["barrier_us"] if log else None,
        belongs_to=belongs_to(plan, equipment.identity(), manifest["run"], manifest["device"]),
    )

    def keep(entry: dict[str, Any], truth: Columns) -> None:
        rows = {"run": [manifest["run"]] * len(truth["car"]), **truth}
        write_truth(folder.path, rows, batch=entry["barrier_us"])
        folder.append_log(entry)

    with _server(server, setting.key, folder.path) as (endpoint, key, check):

        def watch(progress: Progress) -> None:
            check()
            setting.watch(progress)

        ledger = equipment.ledger(plan).after(log)
        summary, ended = _conduct(replace(whole, endpoint=endpoint, key=key), equipment, ledger, watch, keep)
    store = ended[0].store if server != EMBEDDED else None
    done = {"digest": summary.digest, "complete": True, "store": store, "totals": asdict(summary)}
    folder.finish({**manifest, **done})
    return replace(summary, run=str(folder.path))


@contextmanager
def _server(asked: str, key: KeyFile | None, store: Path) -> Iterator[tuple[str, KeyFile | None, Callable[[], None]]]:
    """The endpoint to send to, with which key, and a check that raises when the server is lost for good."""
    if asked != EMBEDDED:
        yield asked, key, lambda: None
        return
    with EmbeddedServer(store) as server:
        yield server.endpoint, server.key, server.check


def _conduct(
    whole: Job, equipment: Equipment, ledger: Ledger, watch: Notice, keep: Keep
) -> tuple[Summary, list[Ended]]:
    """Lead the shards from barrier to barrier to the end; `keep` gets each barrier's entry and truth."""
    jobs = deal_jobs(whole, whole.plan.shards or 1)
    began_s = time.monotonic()
    crew: Crew = (
        LocalCrew([Simulation(jobs[0], equipment, watch).run()]) if len(jobs) == 1 else ProcessCrew(jobs, watch)
    )
    try:
        for _ in barriers_us(whole.plan, whole.began_us):
            reports = [message for message in crew.step() if isinstance(message, Report)]
            decision, entry = ledger.decide(reports)
            saved = [message for message in crew.step(decision) if isinstance(message, Saved)]
            keep(entry, joined([message.truth for message in saved]))
        ended = [message for message in crew.step() if isinstance(message, Ended)]
    finally:
        crew.close()
    return _summary(whole, ledger, time.monotonic() - began_s), ended


def _summary(whole: Job, ledger: Ledger, wall_s: float) -> Summary:
    simulated_s = (whole.plan.end_us - whole.began_us) / 1e6
    return Summary(
        run=whole.run,
        digest=ledger.digest,
        cars=whole.plan.cars,
        car_ticks=ledger.car_ticks,
        fires=ledger.fires,
        clips_kept=len(ledger.delivered),
        wall_s=round(wall_s, 3),
        real_time_factor=round(simulated_s / max(wall_s, 1e-9), 4),
        events=tuple(ledger.told),
    )
