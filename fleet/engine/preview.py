"""Finds and paints what a world can show, for a person to look at: rates are forced, nothing is staged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fleet.engine.finding import Found, find_things, find_where_it_differs, whole
from fleet.report.errors import NothingToPreview, UnknownName
from fleet.report.preview import Preview, Shot, Sight
from scenarios import CONDITIONS, ENCOUNTERS, ROADS, Rig, World, open_world, rates

CARS = 20_000
SCALE = 4
NEAR_M, FAR_M = 11.0, 30.0
SEVERITIES = (0.0, 0.33, 0.66, 1.0)
_OFTEN = {"cell": 12.0, "stretch": 1.2}  # per km: about one in sight all the time
_AROUND = (-20, 0, 20)  # ticks: what goes along with the car is told by how it moves
_DUSK_MIN = 180
_FIELDS = {"crosswalk": "crosswalks_per_km", "junction": "junctions_per_km", "dead_zone": "dead_zones_per_km"}
PLACES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "crosswalk": ("A crosswalk.", ()),
    "junction": ("A street that crosses.", ()),
    "tunnel": ("A tunnel.", ()),
    "overpass": ("A bridge over the road.", ("tunnel",)),
    "blinded_camera": ("A camera that sees nothing.", ()),
}
"""Places that a picture can show, what to say of them, and of what they are a near miss."""

Watch = Callable[[str, int, int], None]
"""Told what comes next, its number from 0, and how many there are."""


def sights() -> tuple[str, ...]:
    """Every name that a preview can be asked for."""
    return (*ENCOUNTERS, *PLACES, *CONDITIONS, *ROADS)


@dataclass(frozen=True, slots=True)
class Studio:
    """A world by name and seed, opened again and again with other rates."""

    world: str
    seed: int

    def open(self, *, rig: Rig | None = None, **changes: Any) -> World:
        """The world on a dry day without anything rare, and then with the changes."""
        calm: dict[str, Any] = {
            "hours": None,
            "night": {"share": 0.0},
            "conditions": {name: {"probability": 0.0} for name in CONDITIONS if name != "night"},
        }
        if rig is not None:  # for single pictures
            calm |= {"rig": rig, "chunk": 1}
        return open_world(self.world, seed=self.seed, cars=CARS, compiled=False, **(calm | changes))

    def only(self, name: str, road: str) -> dict[str, Any]:
        """Changes that leave one encounter or place on one type of road, and make it frequent; "" for none."""
        per_km = dict.fromkeys((*ENCOUNTERS, "tunnel", "overpass", "blinded_camera"), 0.0)
        changes: dict[str, Any] = {"roads": {road: 1.0}, "encounters_per_km": per_km}
        changes |= dict.fromkeys(_FIELDS.values(), 0.0)
        if name in _FIELDS:
            changes[_FIELDS[name]] = 6.0
        elif name:
            per_km[name] = _OFTEN[ENCOUNTERS[name].on] if name in ENCOUNTERS else 1.5
        return changes


def make_preview(world: str, seed: int, only: Sequence[str], watch: Watch) -> Preview:
    """Find and paint everything that is asked for (nothing named: all there is).

    Raises UnknownName, NothingToPreview, and what opening a world raises.
    """
    for name in only:
        if name not in sights():
            raise UnknownName("encounter, place, condition or road", name, sights())
    if world == "recorded":
        raise NothingToPreview(world)
    spec = vars(open_world(world, seed=seed, cars=1, compiled=False))["spec"]  # every drawn world has one
    studio, region = Studio(world, seed), spec.region
    asked = [name for name in sights() if not only or name in only]
    made: dict[str, Sight] = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # single pictures: more threads would mostly wait for one another
    try:
        for i, name in enumerate(asked):
            watch(name, i, len(asked))
            made[name] = _sight(studio, name, region)
    finally:
        torch.set_num_threads(threads)
    return Preview(
        world=spec.name, says=spec.says, seed=seed, region=region,
        things=tuple(made[name] for name in asked if name in ENCOUNTERS or name in PLACES),
        conditions=tuple(made[name] for name in asked if name in CONDITIONS),
        roads=tuple(made[name] for name in asked if name in ROADS),
    )  # fmt: skip


def _sight(studio: Studio, name: str, region: str) -> Sight:
    if name in CONDITIONS:
        return _condition(studio, name)
    if name in ROADS:
        return _road(studio, name)
    return _thing(studio, name, region)


def _thing(studio: Studio, name: str, region: str) -> Sight:
    per_km = _rates(name, region)
    road = _road_for(name, dict(per_km))
    forced, without = studio.only(name, road), studio.only("", road)
    if name in ENCOUNTERS:
        says, resembles = ENCOUNTERS[name].says, ENCOUNTERS[name].near_miss_of
        found = find_things(studio.open(**forced), studio.open(**without), (NEAR_M, FAR_M))
        if found and ENCOUNTERS[name].on == "stretch":
            found = [*(found[0].later(ticks) for ticks in _AROUND), *found[1:]]
    else:
        says, resembles = PLACES[name]
        found = find_where_it_differs(studio.open(**forced), studio.open(**without))
    said = rates.base_rates().rates.get(name)
    return Sight(
        name, says, tuple(_shot(studio, each, forced) for each in found), per_km, said.source if said else "",
        resembles, "" if found else "Not found in any of the moments looked at.",
    )  # fmt: skip


def _road_for(name: str, per_km: Mapping[str, float]) -> str:
    """Where to look for it: in a city if it is to be met there, but what moves where it is met most."""
    most = max(per_km, key=per_km.__getitem__)
    moves = name in ENCOUNTERS and ENCOUNTERS[name].on == "stretch"
    return "urban" if not moves and per_km["urban"] >= 0.1 * per_km[most] else most


def _rates(name: str, region: str) -> tuple[tuple[str, float], ...]:
    """Base rates by road; of what only a user's table knows, its own."""
    known = rates.per_km(region)
    row = known[name] if name in known else np.full(len(ROADS), ENCOUNTERS[name].per_km)
    return tuple(zip(ROADS, row.tolist(), strict=True))


def _condition(studio: Studio, name: str) -> Sight:
    calm = studio.open(**studio.only("", "urban"))
    found = whole(calm, ("main",))
    shots = []
    for each in found:
        for wanted in SEVERITIES:
            changes = studio.only("", "urban") | forced_weather(name, wanted, each.tick)
            real = float(studio.open(**changes).severities([each.car], each.tick)[name][0])
            shots.append(_shot(studio, each.named(f"severity {real:.2f}"), changes))
    return Sight(name, _says(CONDITIONS[name].effect), tuple(shots))


def forced_weather(name: str, severity: float, tick: int) -> dict[str, Any]:
    """Changes to a world that give a condition a severity at a tick of the afternoon, and no other one."""
    if name != "night":
        low_high = {"probability": 1.0 if severity else 0.0, "low": severity, "high": severity}
        others = {each: {"probability": 0.0} for each in CONDITIONS if each not in {"night", name}}
        return {"conditions": {**others, name: low_high}}
    fallen = _share_of_dusk(severity)
    begins = round(tick / 600 - fallen * _DUSK_MIN)
    return {"night": {"begins": _clock(begins), "ends": _clock(begins + _DUSK_MIN), "spread_minutes": 0}}


def _share_of_dusk(severity: float) -> float:
    """When dusk, which falls smoothly, has come to a severity: 0 at its beginning, 1 at its end."""
    shares = np.linspace(0.0, 1.0, 1001)
    return float(shares[np.argmin(np.abs(shares**2 * (3.0 - 2.0 * shares) - severity))])


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _road(studio: Studio, road: str) -> Sight:
    changes: dict[str, Any] = {"roads": {road: 1.0}}
    found = whole(studio.open(**changes), ("main", "wide", "right_pillar"))
    shots = tuple(_shot(studio, each, changes) for each in found)
    return Sight(road, f"A trip on this type of road: {road.replace('_', ' ')}.", shots)


def _says(effect: Callable[..., Any]) -> str:
    return (effect.__doc__ or "").strip().partition("\n")[0]


def _shot(studio: Studio, found: Found, changes: Mapping[str, Any]) -> Shot:
    """Paint one camera at one moment, as networks get it and with more pixels."""

    def painted(scale: int) -> NDArray[np.uint8]:
        world = studio.open(rig=found.eye.resized(scale), **changes)
        pixels = world.frames([found.car], found.tick).pixels[0, 0].cpu().numpy()
        return np.ascontiguousarray(np.moveaxis(pixels, 0, -1))

    return Shot(found.title, found.facts, painted(1), painted(SCALE), found.box)
