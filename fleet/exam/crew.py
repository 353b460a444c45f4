"""Who paints for an exam: this process, or several, each with a studio of its own; what comes out is the same."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, Self

from fleet.errors import PainterDied, root_errors
from fleet.exam.aims import Aim
from scenarios import open_world, staging
from triggers import Memory, TriggerSpec
from vehicle import Loadout, Network, load_network


@dataclass(frozen=True, slots=True)
class Fitting:
    """What the exam's cars run: networks, and the triggers that are examined."""

    production: Network
    shadows: tuple[Network, ...]
    specs: tuple[TriggerSpec, ...]

    def loadout(self, cars: int) -> Loadout:
        """For so many cars that have driven nowhere yet."""
        return Loadout.equip("exam", self.production, self.shadows, self.specs, Memory(0, cars))


@dataclass(frozen=True, slots=True, eq=False)
class Studio:
    """All that is needed to drive past something: a world, what its cars run, what they aim at.

    step: camera ticks from one look to the next
    """

    world: staging.DrawnWorld
    fitting: Fitting
    aim: Aim
    step: int


@dataclass(frozen=True, slots=True)
class Kit:
    """A studio in plain data, for a process to make its own of it."""

    world: str
    seed: int
    network: str
    shadows: tuple[str, ...]
    specs: tuple[TriggerSpec, ...]
    aim: Aim
    step: int

    def open(self) -> Studio:
        """Open world and networks. Raises ScenarioError, VehicleError."""
        import torch

        torch.set_num_threads(1)  # processes are what uses several cores
        world = staging.drawn(open_world(self.world, seed=self.seed, cars=1))
        production, *shadows = (load_network(name) for name in (self.network, *self.shadows))
        return Studio(world, Fitting(production, tuple(shadows), self.specs), self.aim, self.step)


_END_S = 60.0  # for a process to be gone that has hung up

Work = Callable[[Studio, Any], Any]
"""A module's function from a studio and a task to a result."""


class Hands(Protocol):
    """Who does tasks."""

    def each(self, work: Work, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The number of a task and what came out, for all of them, in any order."""


class Alone:
    """This process."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def each(self, work: Work, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """See Hands."""
        for number, task in enumerate(tasks):
            yield number, work(self._studio, task)


class Crew:
    """Spawned processes (never forked: torch has threads), met over pipes; started when there is something to do."""

    def __init__(self, kit: Kit, workers: int) -> None:
        self._kit, self._workers = kit, workers
        self._pipes: dict[Connection, BaseProcess] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._pipes.values():
            process.terminate()
        for pipe, process in self._pipes.items():
            process.join()
            pipe.close()
        self._pipes = {}

    def each(self, work: Work, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """See Hands. PainterDied where a process ends before it has answered."""
        waiting, busy = deque(enumerate(tasks)), dict[Connection, int]()
        if not self._pipes:
            self._start()
        idle = list(self._pipes)
        while waiting or busy:
            while idle and waiting:
                pipe, (number, task) = idle.pop(), waiting.popleft()
                self._tell(pipe, (work, task))
                busy[pipe] = number
            ready = wait(list(busy))
            for pipe in [each for each in busy if each in ready]:
                result = self._hear(pipe)
                idle.append(pipe)
                yield busy.pop(pipe), result

    def _start(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is for us, who end our workers
        for number in range(self._workers):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(
                target=_paint, args=(self._kit, theirs), name=f"outrider painter {number}", daemon=True
            )
            process.start()
            theirs.close()
            self._pipes[ours] = process
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _tell(self, pipe: Connection, order: tuple[Work, Any]) -> None:
        try:
            pipe.send(order)
        except OSError:
            self._hear(pipe)  # it has gone, and may have said why

    def _hear(self, pipe: Connection) -> Any:
        try:
            said = pipe.recv()
        except (EOFError, OSError) as error:
            raise PainterDied(self._how(pipe)) from error
        if isinstance(said, _Refusal):
            raise PainterDied(said.message)
        return said

    def _how(self, pipe: Connection) -> str:
        process = self._pipes[pipe]
        process.join(_END_S)
        code = process.exitcode
        return f"killed by signal {-code}" if code is not None and code < 0 else f"it ended with exit code {code}"


@dataclass(frozen=True, slots=True)
class _Refusal:
    message: str


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _paint(kit: Kit, coordinator: Connection) -> None:
    """A worker process: task after task, until nobody asks any more."""
    from fleet import logs

    logs.configure()
    try:
        studio = kit.open()
        while True:
            work, task = coordinator.recv()
            coordinator.send(work(studio, task))
    except (EOFError, BrokenPipeError):
        return  # the coordinator is gone
    except root_errors() as error:
        coordinator.send(_Refusal(str(error)))
