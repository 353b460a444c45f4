"""The shards of a run, in this process or each in its own, asked and answered all together."""

import multiprocessing
import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from fleet.errors import ShardDied, root_errors
from fleet.plan import RunPlan
from fleet.simulation.barrier import Decision, Report, Saved
from telemetry import KeyFile


@dataclass(frozen=True, slots=True)
class Job:
    """What one shard is to do; goes to a worker process as it is.

    run:          the run's name, in every row and clip
    device:       where the world paints
    endpoint:     the collection server; None: clips are made and dropped (a replay)
    key:          to be let in with; None: the server speaks plain text
    folder:       where checkpoints go; None: nowhere (a replay)
    resume_us:    the barrier to go on from; None: from the start
    belongs_to:   a hash of plan and build, written into checkpoints
    shard:        number of this shard
    first, cars:  its first car, and how many; all of the plan's where nothing is said
    """

    plan: RunPlan
    run: str
    device: str
    endpoint: str | None = None
    key: KeyFile | None = field(default=None, repr=False)
    folder: Path | None = None
    resume_us: int | None = None
    belongs_to: str = ""
    shard: int = 0
    first: int = 0
    cars: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "cars", self.cars or self.plan.cars)

    @property
    def began_us(self) -> int:
        """Simulated time from which this process goes on: the plan's start, or the barrier it resumes from."""
        return self.plan.start_us if self.resume_us is None else self.resume_us


def deal_jobs(whole: Job, shards: int) -> list[Job]:
    """The cars of a job dealt out in contiguous blocks."""
    bounds = [whole.cars * shard // shards for shard in range(shards + 1)]
    return [
        replace(whole, shard=shard, first=whole.first + first, cars=bounds[shard + 1] - first)
        for shard, first in enumerate(bounds[:-1])
    ]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a shard is; waiting: clips that the server has not acknowledged, where that is what it waits for."""

    shard: int
    now_us: int
    car_ticks: int
    fires: int
    clips: int
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A shard's last word; store: the folder the server keeps things in, where it says so."""

    store: str | None


_END_S = 60.0  # for a process to be gone that has hung up

Message = Report | Saved | Ended
Steps = Generator[Message, Decision | None, None]
Notice = Callable[[Progress], None]


class Crew(Protocol):
    """All shards of a run."""

    def step(self, reply: Decision | None = None) -> Sequence[Message]:
        """Answer every shard and wait for the next message of each; they come in the order of the shards."""

    def close(self) -> None:
        """End what still runs."""


class LocalCrew:
    """Shards as generators in this process."""

    def __init__(self, shards: Sequence[Steps]) -> None:
        self._shards = shards

    def step(self, reply: Decision | None = None) -> Sequence[Message]:
        """See Crew."""
        return [shard.send(reply) for shard in self._shards]

    def close(self) -> None:
        """See Crew."""
        for shard in self._shards:
            shard.close()


class ProcessCrew:
    """Shards as spawned processes (never forked: torch and the sockets have threads), met over pipes."""

    def __init__(self, jobs: Sequence[Job], notice: Notice) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._notice = notice
        self._started = False
        self._pipes: list[Connection] = []
        self._workers: list[BaseProcess] = []
        for job in jobs:
            ours, theirs = spawn.Pipe()
            worker = spawn.Process(target=_work, args=(job, theirs), name=f"outrider shard {job.shard}", daemon=True)
            worker.start()
            theirs.close()
            self._pipes.append(ours)
            self._workers.append(worker)

    def step(self, reply: Decision | None = None) -> Sequence[Message]:
        """See Crew; ShardDied where a process ends before it has answered."""
        if self._started:
            for shard, pipe in enumerate(self._pipes):
                self._post(shard, pipe, reply)
        self._started = True
        answers: dict[int, Message] = {}
        while len(answers) < len(self._pipes):
            silent = {shard: pipe for shard, pipe in enumerate(self._pipes) if shard not in answers}
            wait(list(silent.values()))
            for shard in [shard for shard, pipe in silent.items() if pipe.poll()]:
                said = self._take(shard)
                if isinstance(said, Progress):
                    self._notice(said)
                else:
                    answers[shard] = said
        return [answers[shard] for shard in range(len(self._pipes))]

    def close(self) -> None:
        """See Crew."""
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.join()

    def _post(self, shard: int, pipe: Connection, reply: Decision | None) -> None:
        try:
            pipe.send(reply)
        except OSError:
            self._take(shard)  # it has gone, and may have said why

    def _take(self, shard: int) -> Message | Progress:
        try:
            said = self._pipes[shard].recv()
        except (EOFError, OSError) as error:
            raise ShardDied(shard, self._how(shard)) from error
        if isinstance(said, str):
            raise ShardDied(shard, said)
        return said  # type: ignore[no-any-return]

    def _how(self, shard: int) -> str:
        self._workers[shard].join(_END_S)
        code = self._workers[shard].exitcode
        return (
            f"killed by signal {-code}" if code is not None and code < 0 else f"its process ended with exit code {code}"
        )


def _work(job: Job, coordinator: Connection) -> None:
    """A worker process: one shard, until it has ended or nobody asks any more."""
    from fleet import logs
    from fleet.plan_file import load_plugins
    from fleet.simulation.equipment import equip
    from fleet.simulation.run_folder import PACKAGES
    from fleet.simulation.simulation import Simulation

    logs.configure()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the coordinator, which ends its shards
    try:
        load_plugins(job.plan)
        unpacked = job.folder / PACKAGES if job.folder else None
        steps = Simulation(job, equip(job.plan, job.device, unpacked), coordinator.send).run()
        reply: Decision | None = None
        while True:
            coordinator.send(steps.send(reply))
            reply = coordinator.recv()
    except StopIteration:
        return
    except (EOFError, BrokenPipeError):
        return  # the coordinator is gone; what the last barrier kept is on disk
    except root_errors() as error:
        coordinator.send(str(error))
