"""How suites grow: by cases sampled from the world, or by the moment of a clip that the fleet sent home."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray

from fleet.engine.suites.cases import Case, Recipe, append_cases, depends, pixels_hash, read_cases
from fleet.engine.suites.finding import AHEAD, Quest, Seen, find, moments_that_fit, quest, said_by_labeller
from fleet.engine.suites.spec import Suite
from fleet.errors import CaseRefused, NotARun, TooRare
from scenarios import TICK_US, Draws, Truth, World, open_world

DAY_TICKS = 864_000
FIRST_SEED = 5_000_011
"""Seeds of the worlds to sample begin here, far from those that networks learn from."""
SEEDS = 1000  # of each slice: two slices share no street
SCAN = 512  # moments drawn at once
PATIENCE = 200_000  # moments on the road without a new case, then it gives up
PAINT = 16  # cars at once: what a painter takes in one go

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ClipOrder:
    """A clip to take over.

    run, clip: the run folder, and the clip's id in it
    slice: where to; None = the first slice that takes it
    error_rate: of the labeller who looks at it: the share of moments that it names wrongly
    added: UTC, as the case will say
    """

    run: Path
    clip: str
    slice: str | None
    error_rate: float
    added: str


@dataclass(frozen=True, slots=True)
class Order:
    """What to add to a slice.

    n: how many cases; seed: of the world and of the draw, None for one that the slice has not used
    added: UTC, as the cases will say
    """

    slice: str
    n: int
    seed: int | None
    added: str


@contextmanager
def one_thread() -> Iterator[None]:
    """Plain painting and truth are thousands of short steps, between which threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@one_thread()
def grow(suite: Suite, order: Order, progress: Progress) -> list[Case]:
    """Sample the slice's world until there are enough new encounters, and add them; TooRare where there are not.

    progress is told how many of how many were found.
    """
    asked = suite.slice(order.slice)
    own = [case for case in read_cases(suite.cases_file) if case.slice == order.slice]
    seed = _unused_seed(suite, order.slice, own) if order.seed is None else order.seed
    recipe = Recipe(str(asked.world), asked.options, seed, suite.spec.cars, 0, 0)
    world = opened(recipe)
    found: list[Case] = []
    looked_at = 0
    for looked, case in _sampled(_quest(suite, order.slice, world), world, recipe):
        looked_at = looked
        if not depends(case, [*own, *found]):
            found.append(replace(case, added=order.added, source={"kind": "sampler", "seed": seed}))
            progress(len(found), order.n)
        if len(found) == order.n:
            break
    append_cases(suite.cases_file, painted(world, found))
    if len(found) < order.n:
        raise TooRare(order.slice, len(found), order.n, looked_at + PATIENCE)
    return found


@one_thread()
def grow_by_clip(suite: Suite, order: ClipOrder) -> Case:
    """Add the moment at which a clip's trigger fired; CaseRefused where no slice takes it.

    A labeller looks at the moment. What it says decides whether the case is a yes or a no, also where it errs.
    """
    row, recipe = _moment_of(order)
    world = opened(recipe)
    truth = world.truth([recipe.car], [recipe.tick])
    errs = bool(Draws(recipe.seed).uniform("labeller errs", truth.cars, recipe.tick)[0] < order.error_rate)
    earlier = read_cases(suite.cases_file)
    for name in [order.slice] if order.slice else suite.slices:
        wanted = _quest(suite, name, world)
        seen = _mistaken(wanted, truth) if errs else find(wanted, truth)
        if seen:
            source = {"kind": "clip", "clip": row["clip"], "trigger": row["trigger"], "run": order.run.resolve().name}
            case = replace(
                _case(wanted, recipe, seen[0]), added=order.added, source={**source, "error_rate": order.error_rate}
            )
            if depends(case, [other for other in earlier if other.slice == name]):
                raise CaseRefused(row["clip"], f"slice {name!r} has one of this encounter, or of this car in this hour")
            [kept] = painted(world, [case])
            append_cases(suite.cases_file, [kept])
            return kept
    where = f"slice {order.slice!r} does" if order.slice else f"none of the slices {', '.join(suite.slices)} does"
    raise CaseRefused(row["clip"], f"{where} not ask for what the labeller sees there")


def _moment_of(order: ClipOrder) -> tuple[dict[str, Any], Recipe]:
    """A clip's row, and the frame at which its trigger fired; the run's networks and triggers may be long gone."""
    from fleet.plan import RunPlan
    from fleet.plan_file import import_plugins
    from fleet.report import find_clip, open_folder

    run = open_folder(order.run)
    if not run.plan:
        raise NotARun(order.run, "plan.yaml")
    plan, row = RunPlan.model_validate(run.plan), find_clip(run, order.clip)[0]
    import_plugins(plan.plugins, order.run)
    tick = int(row["t_us"]) // TICK_US
    return row, Recipe(plan.world.name, plan.world.options, plan.seed, plan.cars, int(row["car"]), tick)


def opened(recipe: Recipe) -> World:
    """The world of a recipe, painted plainly: compiled code may give other last bits on another machine."""
    return open_world(recipe.world, seed=recipe.seed, cars=recipe.cars, compiled=False, **recipe.options)


def painted(world: World, cases: Sequence[Case]) -> list[Case]:
    """The cases with the hashes of their pictures."""
    done = []
    for part, pixels in frames_of(world, cases):
        hashes = [pixels_hash(each.tobytes()) for each in pixels]
        done += [
            replace(case, pixels=digest, world_print=world.fingerprint)
            for case, digest in zip(part, hashes, strict=True)
        ]
    return done


def frames_of(world: World, cases: Sequence[Case]) -> Iterator[tuple[Sequence[Case], NDArray[np.uint8]]]:
    """Cases of one world a few at a time, with their pixels (n, cameras, 3, height, width)."""
    for start in range(0, len(cases), PAINT):
        part = cases[start : start + PAINT]
        frames = world.frames([case.recipe.car for case in part], [case.recipe.tick for case in part])
        yield part, np.ascontiguousarray(frames.pixels.numpy())


def _quest(suite: Suite, name: str, world: World) -> Quest:
    return quest(suite, name, [camera.name for camera in world.rig.cameras])


def _sampled(wanted: Quest, world: World, recipe: Recipe) -> Iterator[tuple[int, Case]]:
    """Cases of a slice, each with how many moments were looked at until then; ends when patience does."""
    draws, looked_at, lucky = Draws(recipe.seed), 0, 0
    batch = 0
    while looked_at - lucky < PATIENCE:
        cars, ticks = _on_the_road(world, draws, batch, recipe.cars)
        looked_at, batch = looked_at + len(cars), batch + 1
        worth_it = moments_that_fit(wanted.asked, world.severities(cars, ticks), len(cars))
        if wanted.asked.thing and {wanted.cameras[i] for i in wanted.counting} <= set(AHEAD):
            worth_it &= world.in_reach(cars, ticks, wanted.asked.thing)
        if not worth_it.any():
            continue
        truth = world.truth(cars[worth_it], ticks[worth_it])
        for seen in find(wanted, truth):
            lucky = looked_at
            there = replace(recipe, car=int(truth.cars[seen.row]), tick=int(truth.ticks[seen.row]))
            yield looked_at, _case(wanted, there, seen)


def _on_the_road(world: World, draws: Draws, batch: int, cars: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Cars that drive, at moments drawn evenly over fleet and day."""
    number = np.arange(SCAN)
    car = draws.integers("suite car", number, batch, high=cars).astype(np.uint32)
    tick = draws.integers("suite tick", number, batch, high=DAY_TICKS)
    driving = world.motion(car, tick).driving
    return car[driving], tick[driving]


def _case(wanted: Quest, recipe: Recipe, seen: Seen) -> Case:
    asked = wanted.asked
    return Case(asked.name, recipe, asked.wants_yes, seen.camera, seen.encounter, seen.facts)


def _mistaken(wanted: Quest, truth: Truth) -> list[Seen]:
    """One moment of which a labeller who errs says what the slice asks for."""
    yes, no = said_by_labeller(wanted, truth)
    camera = wanted.cameras[wanted.counting[0]] if wanted.by_camera else None
    taken_for_it = (no if wanted.asked.wants_yes else yes)[0, wanted.column(camera)]
    fits = moments_that_fit(wanted.asked, truth.moments(), 1)[0]
    return [Seen(0, camera, 0, {})] if taken_for_it and fits else []


def _unused_seed(suite: Suite, name: str, cases: Sequence[Case]) -> int:
    used: list[int] = [int(case.source["seed"]) for case in cases if case.source.get("kind") == "sampler"]
    first = FIRST_SEED + crc32(f"{suite.name}/{name}".encode()) % 1_000_000 * SEEDS
    return max([first - 1, *used]) + 1
