"""Where films are kept: a folder each, named by all that its bits depend on; found, begun, added to, and shown."""

import fcntl
import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import scenarios
import vehicle
from fleet.exam import film
from fleet.exam.crew import Alone, Hands, Studio
from fleet.exam.driving import Driven, begun
from fleet.exam.film import Take, bill_of, keep, shoot, show, takes_in
from fleet.exam.grounds import BLOCK, Grounds
from fleet.simulation.equipment import with_files
from fleet.simulation.run_folder import write_whole
from triggers import TriggerSpec

SCHEMA = 1
EXAMINED = "examined.jsonl"
TOGETHER = 32  # reels shown side by side
VERSIONS = ("numpy", "torch", "onnxruntime", "pvlib")
STREAM = "exam dry run"
OTHER = {
    "world_fingerprint": "another world of that name", "every_ticks": "looks at other intervals",
    "network": "another network", "shadows": "other shadows", "build": "another build", "blocks": "other roads",
}  # fmt: skip


def default_films() -> Path:
    """Where the command line keeps them."""
    return Path.home() / ".cache" / "outrider" / "films"


@dataclass(frozen=True, slots=True)
class Bill:
    """What a dry run cost.

    painted, shown: frames painted now, and read from the film; painted_s, shown_s: CPU seconds of either
    film_frames, film_s: painted for all of the film so far, and the CPU seconds that took
    times, triggers: exams on this film, this one among them, and different triggers in them; 0 without a film
    """

    painted: int = 0
    shown: int = 0
    painted_s: float = 0.0
    shown_s: float = 0.0
    film_frames: int = 0
    film_s: float = 0.0
    times: int = 0
    triggers: int = 0
    film: str = ""

    @property
    def share(self) -> float:
        """What a frame read from the film costs, against one that is painted; 0 where none was read."""
        return (self.shown_s / self.shown) / (self.film_s / self.film_frames) if self.shown and self.film_s else 0.0

    @property
    def painted_equivalent(self) -> float:
        """Frames that could have been painted for what the dry run cost now."""
        return self.painted + self.shown * self.share


class Film:
    """One film, of the blocks that its `stream` draws from the grounds."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number = folder, number

    @classmethod
    def find(cls, films: Path, studio: Studio, grounds: Grounds, *, fresh: bool = False) -> "Film":
        """The film of all this, its folder made where there is none; fresh: begin another, of other driving.

        Raises CannotWrite.
        """
        facts = facts_of(studio, grounds)
        key = f"{studio.world.name}-{_digest(facts)[:16]}"
        numbers = [int(path.parent.name.rpartition("-")[2]) for path in films.glob(f"{key}-*/film.json")]
        number = max(numbers, default=-1 if fresh else 0) + fresh
        found = cls(films / f"{key}-{number}", number)
        if number not in numbers:
            write_whole(found.folder / "film.json", (json.dumps({**facts, "number": number}, indent=2) + "\n").encode())
        return found

    @property
    def stream(self) -> str:
        """The draws that choose its blocks."""
        return f"{STREAM} {self.number}" if self.number else STREAM

    def lacking(self, blocks: int, lead: int) -> list[Take]:
        """What must be painted for so many blocks with so many looks before those that count."""
        held = takes_in(self.folder)
        found = []
        for reel in range(-(-blocks // film.REEL)):
            first = min((take.first for take in held.get(reel, ())), default=BLOCK)
            if first > -lead:
                found.append(Take(reel, -lead, first))
        return found

    def extend(
        self, studio: Studio, grounds: Grounds, blocks: int, *, hands: Hands | None = None,
        watch: Callable[[int], None] = lambda _: None,
    ) -> tuple[int, float]:  # fmt: skip
        """Paint what is lacking, while nobody else does; frames, and CPU seconds. Each take is kept as it comes."""
        frames, spent_s = 0, 0.0
        with _alone(self.folder):
            takes = self.lacking(blocks, grounds.lead)
            tasks = [(grounds.blocks(self.stream, _numbers(take.reel), lead=-take.first), take) for take in takes]
            for number, shot in (hands or Alone(studio)).each(shoot, tasks):
                keep(self.folder, takes[number], shot)
                frames, spent_s = frames + shot.frames, spent_s + shot.spent_s
                watch(shot.frames)
        return frames, spent_s

    def show(self, studio: Studio, grounds: Grounds, blocks: int, *, hands: Hands | None = None) -> Driven:
        """What the studio's triggers make of its first blocks; they must have been painted."""
        passes = grounds.blocks(self.stream, np.arange(blocks))
        driven = begun(studio.world, len(studio.fitting.specs), passes, studio.step)
        each = TOGETHER * film.REEL
        rows = [np.arange(start, min(start + each, blocks)) for start in range(0, blocks, each)]
        reels = [range(int(some[0]) // film.REEL, int(some[-1]) // film.REEL + 1) for some in rows]
        tasks = [(self.folder, of, passes.at(some)) for of, some in zip(reels, rows, strict=True)]
        for number, marks in (hands or Alone(studio)).each(show, tasks):
            driven.take(rows[number], marks)
        return driven

    def examined(self, spec: TriggerSpec, frames: int) -> tuple[int, int]:
        """Note that a trigger was examined on it; how many were by now, and how many different ones."""
        line = {"trigger": spec.name, "version": spec.version, "digest": _digest(with_files(spec)), "frames": frames}
        file = self.folder / EXAMINED
        with _alone(self.folder):
            before = file.read_text().splitlines() if file.exists() else []
            lines = [*before, json.dumps(line)]
            write_whole(file, ("\n".join(lines) + "\n").encode())
        return len(lines), len({json.loads(each)["digest"] for each in lines})

    def bill(self) -> tuple[int, float]:
        """Frames painted for all of it so far, and the CPU seconds that took."""
        return bill_of(self.folder)


def facts_of(studio: Studio, grounds: Grounds) -> dict[str, Any]:
    """All that the bits of a film depend on, in plain data."""
    world, fitting = studio.world, studio.fitting
    blocks = grounds.blocks(STREAM, _numbers(0), lead=0)
    return {
        "schema": SCHEMA,
        "world": world.name,
        "seed": world.seed,
        "world_fingerprint": world.fingerprint,
        "every_ticks": studio.step,
        "network": [fitting.production.name, _digest(fitting.production.card)],
        "shadows": [[shadow.name, _digest(shadow.card)] for shadow in fitting.shadows],
        "build": _build(),
        "blocks": hashlib.sha256(blocks.cars.tobytes() + blocks.ticks.tobytes()).hexdigest(),
    }


def why_none(films: Path, studio: Studio, grounds: Grounds) -> str:
    """Why a film must be painted: what sets the nearest film of this world apart from the one that is wanted."""
    facts = facts_of(studio, grounds)
    others = [json.loads(path.read_text()) for path in sorted(films.glob("*/film.json"))]
    differ = [
        [OTHER[key] for key in OTHER if each.get(key) != facts[key]]
        for each in others
        if (each["world"], each["seed"]) == (facts["world"], facts["seed"])
    ]
    nearest = min(differ, key=len, default=None)
    return "" if not nearest else f"the film that there is shows {' and '.join(nearest)}"


def _numbers(reel: int) -> film.Ints:
    return np.arange(reel * film.REEL, (reel + 1) * film.REEL)


def _build() -> str:
    """Of what paints and perceives: the sources, what they are built on, and what the processor can do."""
    total = hashlib.sha256()
    for package in (scenarios, vehicle):
        for path in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            total.update(path.read_bytes())
    total.update(str([importlib.metadata.version(name) for name in VERSIONS]).encode())
    total.update(torch.backends.cpu.get_cpu_capability().encode())
    return total.hexdigest()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While nobody else adds to the folder; others wait, and a process that is killed lets go."""
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
