"""What can go wrong with a fleet run, named for what the caller can do about it.

FleetError
├── PlanError
│   ├── PlanNotFound          give the name of a plan that ships, or a file
│   └── BadPlan               mend the fields it names
├── RunFolderError
│   ├── FolderNotEmpty        resume it, or choose another folder
│   ├── FolderInUse           wait for the other process, or stop it
│   ├── NotARun               point at a run folder
│   ├── NothingToResume       start afresh
│   ├── RunIncomplete         resume it first
│   ├── ForeignCheckpoint     resume with the plan and the build that wrote it
│   └── CannotWrite           free the disk, or choose another folder
├── ServerLost                start the server again, or look at why it stops
├── ShardDied                 look at its message; resume
├── RunDiverged               the run is not repeatable here: another build, or a bug
├── WhyError
│   ├── NoSuchCar             give a car of the run
│   ├── NotDeployed           give a trigger that the run's cars carry
│   └── NeverLooked           ask for a time at which the car looks
├── PluginMissing             install or correct the module
├── SuiteError
│   ├── SuiteNotFound         give the name of a suite in suites/, or a file
│   ├── BadSuite              mend the fields it names
│   ├── SuiteExists           choose another name, or remove the file
│   ├── UnknownInSuite        correct the slice, case or task
│   ├── BrokenChain           bring the cases file back as it was
│   ├── TooRare               make such cases commoner, or ask for fewer
│   └── CaseRefused           choose another slice or another clip
├── ExamError
│   ├── UnknownEncounter      name one of the world's encounters
│   ├── BadScores             mend the file of scores or labels at what it names
│   ├── DamagedFilm           remove the file; it is painted again
│   └── PainterDied           look at its message; begin again: what is on film stays there
├── BadLabels                 correct the labels, or the clips that they are of
├── UnknownLayer              correct the layer in the trigger's params
├── UnknownRule               correct the name of the published rule
├── UnknownThing              correct the kind of thing to catch
└── UnknownBenchmark          name one of the files in benchmarks/
"""

import difflib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


class FleetError(Exception):
    """The root: a message for one screen, and the exit code that goes with it."""

    exit_code = 2


def hint(name: str, known: Iterable[str]) -> str:
    """What was probably meant: `; did you mean 'x'?`, or the known names where nothing is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


class PlanError(FleetError):
    """The plan cannot be run as it is written."""


class PlanNotFound(PlanError):
    """No plan of this name ships and no such file exists."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        super().__init__(f"no plan {name!r}: it is neither a file nor a plan that ships{hint(name, known)}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong field: where it stands (file and line, or the `--set` that gave it) and what was expected."""

    where: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.field}: {self.message}" if self.field else f"{self.where}: {self.message}"


class BadPlan(PlanError):
    """Fields of a plan are unknown, missing or of the wrong kind."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


class RunFolderError(FleetError):
    """The run folder is not what this command needs."""


class FolderNotEmpty(RunFolderError):
    """A run would mix with what is already there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder} is not empty: add --resume to go on with the run in it, or choose another --out")


class FolderInUse(RunFolderError):
    """Another process is writing this run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"another process is writing {folder}: wait for it, or stop it")


class NotARun(RunFolderError):
    """No run was written here."""

    def __init__(self, folder: Path, missing: str) -> None:
        self.folder = folder
        super().__init__(f"{folder} is not a run folder: it has no {missing}")


class NothingToResume(RunFolderError):
    """The folder holds no interrupted run."""

    def __init__(self, folder: Path, why: str) -> None:
        self.folder = folder
        super().__init__(f"nothing to resume in {folder}: {why}")


class RunIncomplete(RunFolderError):
    """What was asked for needs a run that reached its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"the run in {folder} was interrupted: go on with it by `outrider run … --resume` first")


class ForeignCheckpoint(RunFolderError):
    """A checkpoint was written by another plan, another build or another layout of shards."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        super().__init__(f"the checkpoint {path} cannot be used: {why}")


class CannotWrite(RunFolderError):
    """The disk is full, the folder is read-only, or the like."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.path = path
        super().__init__(f"cannot write {path}: {error.strerror or error}; what was done until now is kept")


class ServerLost(FleetError):
    """The collection server does not come up, or does not stay up."""

    def __init__(self, endpoint: str, why: str) -> None:
        self.endpoint = endpoint
        super().__init__(f"the collection server at {endpoint} is lost: {why}")


class ShardDied(FleetError):
    """A worker process ended before its work did."""

    def __init__(self, shard: int, why: str) -> None:
        self.shard = shard
        super().__init__(f"shard {shard} died: {why}; `outrider run … --resume` goes on from the last barrier")


class RunDiverged(FleetError):
    """A repeated run does not come out as the first did."""

    exit_code = 1

    def __init__(self, when: str, field: str, was: object, now: object) -> None:
        super().__init__(f"the run diverges at {when}: {field} was {was}, is {now}")


class WhyError(FleetError):
    """A question about a car's trigger that has no answer."""


class NoSuchCar(WhyError):
    """The run has no such car; cars: how many it has."""

    def __init__(self, car: int, cars: int) -> None:
        self.car, self.cars = car, cars
        super().__init__(f"the run has no car {car}: its cars are 0 to {cars - 1}")


class NotDeployed(WhyError):
    """The cars of the run do not carry this trigger.

    known: those they do carry; refused: why they did not take a package that they were offered, for each such package
    """

    def __init__(self, trigger: str, known: Sequence[str], refused: Sequence[str] = ()) -> None:
        self.trigger, self.known, self.refused = trigger, tuple(known), tuple(refused)
        carried = hint(trigger, known) or "; they carry no trigger at all"
        packages = "".join(f"; they refused {each}" for each in refused)
        super().__init__(f"NOT_DEPLOYED: the cars of this run do not carry '{trigger}'{carried}{packages}")


class NeverLooked(WhyError):
    """The car does not look at this time: it is parked, or the run is not there yet, or over.

    before_us, after_us: its nearest looks, None where there is none; run_us: first and last time of the run
    """

    def __init__(
        self, car: int, at_us: int, before_us: int | None, after_us: int | None, run_us: tuple[int, int]
    ) -> None:
        from fleet.plan import show_clock

        self.car, self.at_us, self.before_us, self.after_us = car, at_us, before_us, after_us
        near = [show_clock(each) for each in (before_us, after_us) if each is not None]
        inside = run_us[0] <= at_us <= run_us[1]
        why = (
            "it is parked then" if inside else f"the run lasts from {show_clock(run_us[0])} to {show_clock(run_us[1])}"
        )
        nearest = f"its nearest looks are at {' and '.join(near)}" if near else "it never drives in this run"
        super().__init__(f"car {car} does not look at {show_clock(at_us)}: {why}; {nearest}")


class PluginMissing(FleetError):
    """A plan names a module that cannot be imported."""

    def __init__(self, module: str, why: str) -> None:
        self.module = module
        super().__init__(f"plugin {module!r} cannot be imported: {why}")


class SuiteError(FleetError):
    """A perception suite cannot be used as it is."""


class SuiteNotFound(SuiteError):
    """No suite of this name lies in `suites/` and no such file exists."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        super().__init__(f"no suite {name!r}: it is neither a file nor in suites/{hint(name, known)}")


class BadSuite(SuiteError):
    """Fields of a suite are unknown, missing or of the wrong kind."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


class SuiteExists(SuiteError):
    """A new suite would be written over one that is there."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(f"{file} is there already: choose another name by --out, or change it by hand")


class UnknownInSuite(SuiteError):
    """A slice, case or task that is not there; where: in what one looked."""

    def __init__(self, sort: str, name: str, known: Iterable[str], where: str) -> None:
        self.sort, self.name = sort, name
        super().__init__(f"{where} has no {sort} {name!r}{hint(name, known)}")


class BrokenChain(SuiteError):
    """A cases file was not only appended to, or holds what is no case."""

    def __init__(self, file: Path, line: int, problem: str) -> None:
        self.file, self.line = file, line
        super().__init__(f"{file}:{line}: {problem}; suites only grow: bring the file back as it was")


class TooRare(SuiteError):
    """The world shows too few such cases; those found until then are kept."""

    def __init__(self, where: str, found: int, wanted: int, looked_at: int) -> None:
        self.found, self.wanted, self.looked_at = found, wanted, looked_at
        super().__init__(
            f"slice {where!r}: {found} of {wanted} cases in {looked_at:,} moments; those are kept. "
            "Make such cases commoner by the slice's options, or loosen what it asks for"
        )


class CaseRefused(SuiteError):
    """A clip's moment that is no case of the slice."""

    def __init__(self, clip: str, why: str) -> None:
        self.clip = clip
        super().__init__(f"the clip {clip} is no case: {why}")


class ExamError(FleetError):
    """A trigger cannot be examined as asked."""


class UnknownEncounter(ExamError):
    """Something to catch that no world can show."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        super().__init__(f"no encounter {name!r}{hint(name, known)}; `outrider world rates` lists them")


class BadScores(ExamError):
    """A file of labelled frames, or of labels, that does not hold what it must."""

    def __init__(self, file: Path, problem: str) -> None:
        self.file = file
        super().__init__(f"{file}: {problem}")


class DamagedFilm(ExamError):
    """A part of a film that cannot be read."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(f"{file} is damaged: remove it, and that part of the film is painted again")


class PainterDied(ExamError):
    """A process that paints for an exam ended before its work did."""

    def __init__(self, why: str) -> None:
        super().__init__(f"a process that paints died: {why}; begin again (films are kept), or use --workers 1")


def root_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """The root errors of our packages, of those that are loaded (one that is not cannot have raised), and others."""
    roots = {
        "scenarios": "ScenarioError",
        "triggers": "TriggerError",
        "telemetry": "TelemetryError",
        "vehicle": "VehicleError",
    }
    found = [getattr(sys.modules[package], name, None) for package, name in roots.items() if package in sys.modules]
    return (FleetError, *(error for error in found if error is not None), *others)


class BadLabels(FleetError):
    """What a probe is to learn from cannot be learnt from; file: which, problem: why."""

    def __init__(self, file: Path, problem: str) -> None:
        self.file, self.problem = file, problem
        super().__init__(f"{file}: {problem}")


class UnknownLayer(FleetError):
    """No such part of the backbone's embedding; layer: as asked for, known: those that there are."""

    def __init__(self, layer: str, known: Sequence[str]) -> None:
        self.layer, self.known = layer, tuple(known)
        super().__init__(f"the backbone has no layer {layer!r}{hint(layer, known)}; there are {', '.join(known)}")


class UnknownThing(FleetError):
    """No world has such a thing; name: as asked for, known: those that there are."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"no world shows a {name!r}{hint(name, known)}")


class UnknownRule(FleetError):
    """None of the published rules is called so; name: as asked for, known: those that there are."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(
            f"no published rule {name!r}{hint(name, known)}; `outrider trigger prove` without a name lists all"
        )


class UnknownBenchmark(FleetError):
    """No such file in `benchmarks/`; an installed package has none of them."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        where = "no benchmarks here: run from a clone of the source tree"
        super().__init__(f"unknown benchmark {name!r}{hint(name, known)}" if known else where)
