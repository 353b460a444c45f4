"""Rare things a car meets, each with near misses that must not be mistaken for it.

A road has a site every 40 m (a cell) and one every 800 m (a stretch); a site holds at most one encounter. Adding one is
a line: `ENCOUNTERS["couch"] = Encounter("A couch on the road.", couch, per_km=0.002)`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.draws import Draws
from scenarios.errors import TooOften
from scenarios.exposure import TICK_US, WorldSpec
from scenarios.places import lamps, people, signs, vehicles
from scenarios.roads import CELL_M, Road, often
from scenarios.sites import THINGS, Encounter, Sites
from scenarios.slots import Slots, folded, joined, scattered
from scenarios.traffic import STRETCH_M, Cars, gap_ahead, stretch_of
from scenarios.trips import ROADS, Floats, Ints, Progress

ENCOUNTERS: dict[str, Encounter] = {
    "caution_light": Encounter("A flashing amber lamp on a pole.", lamps.caution_light),
    "caution_light_on_barrier": Encounter("A flashing amber lamp on a barrier.", lamps.caution_light_on_barrier),
    "caution_light_on_bus": Encounter("A school bus with flashing lamps.", lamps.caution_light_on_bus),
    "dark_lamp": Encounter("An amber lamp, out of order.", lamps.dark_lamp, ("caution_light",)),
    "balloon": Encounter("An orange balloon.", lamps.balloon, ("caution_light",)),
    "stop_sign": Encounter("A stop sign.", signs.stop_sign),
    "stop_sign_held": Encounter("A stop sign held by a person.", signs.stop_sign_held),
    "stop_sign_on_tree": Encounter("A stop sign on a tree.", signs.stop_sign_on_tree),
    "stop_sign_on_gate": Encounter("A stop sign on a gate.", signs.stop_sign_on_gate),
    "stop_sign_with_plate": Encounter("A stop sign, except right turn.", signs.stop_sign_with_plate),
    "stop_sign_behind_foliage": Encounter("A stop sign behind leaves.", signs.stop_sign_behind_foliage),
    "stop_sign_tilted": Encounter("A stop sign that leans.", signs.stop_sign_tilted),
    "no_entry": Encounter("A round red sign: no entry.", signs.no_entry, ("stop_sign",)),
    "stop_advert": Encounter("A poster that shows a stop sign.", signs.stop_advert, ("stop_sign",)),
    "round_bag": Encounter("A person with a round red bag.", signs.round_bag, ("stop_sign", "stop_sign_held")),
    "traffic_light": Encounter("A traffic light.", lamps.traffic_light),
    "lamp_sign": Encounter("A chemist's lit green cross.", lamps.lamp_sign, ("traffic_light",)),
    "speed_sign": Encounter("A speed limit.", signs.speed_sign),
    "cone": Encounter("A traffic cone.", people.cone),
    "hydrant": Encounter("A red fire hydrant.", people.hydrant, ("cone",)),
    "jaywalker": Encounter("A pedestrian crossing outside a crosswalk.", people.jaywalker),
    "statue": Encounter("A statue beside the road.", people.statue, ("jaywalker",)),
    "parked_bicycle": Encounter("A bicycle with nobody on it.", people.parked_bicycle, ("cyclist",)),
    "animal": Encounter("A deer or a dog on the road.", people.animal),
    "rubbish": Encounter("A pale bag blown over the road.", people.rubbish, ("animal",)),
    "striped_hump": Encounter("A hump with stripes.", people.striped_hump, ("crosswalk",)),
    "cyclist": Encounter("A cyclist at the right edge.", people.cyclist, on="stretch"),
    "cut_in": Encounter("A vehicle cuts in.", vehicles.cut_in, on="stretch", lanes=2),
    "drift": Encounter("A vehicle drifts to the line, and back.", vehicles.drift, ("cut_in",), "stretch", lanes=2),
    "hard_braking_lead": Encounter("The vehicle ahead brakes hard.", vehicles.hard_braking_lead, on="stretch"),
    "brake_tap": Encounter("Brake lights, and no braking.", vehicles.brake_tap, ("hard_braking_lead",), "stretch"),
    "roof_load": Encounter("A vehicle with a load on its roof.", vehicles.roof_load, on="stretch"),
    "taxi_sign": Encounter("A taxi with its sign.", vehicles.taxi_sign, ("roof_load",), "stretch"),
    "speed_sticker": Encounter(
        "A lorry with a number on its back.", vehicles.speed_sticker, ("speed_sign",), "stretch"
    ),
    "steel_plate": Encounter("A steel plate on the road, which a radar hears.", people.steel_plate),
    "cut_out": Encounter("The vehicle ahead leaves the lane.", vehicles.cut_out, on="stretch", lanes=2),
    "swerving_lead": Encounter("The vehicle ahead swerves.", vehicles.swerving_lead, on="stretch"),
    "weaving_vehicle": Encounter("A vehicle weaves over the line.", vehicles.weaving_vehicle, on="stretch", lanes=2),
    "vehicle_beside": Encounter("A vehicle stays beside the bonnet.", vehicles.vehicle_beside, on="stretch", lanes=2),
    "stuck_brake_lights": Encounter("It draws away, brake lights on.", vehicles.stuck_brake_lights, on="stretch"),
    "loose_tarpaulin": Encounter("A pick-up with a billowing sheet.", vehicles.loose_tarpaulin, on="stretch"),
    "wide_load": Encounter("Half a house on a low loader.", vehicles.wide_load, on="stretch"),
    "motorcycle": Encounter("A motorcycle ahead.", vehicles.motorcycle, on="stretch"),
    "one_lamp_vehicle": Encounter("A car with one tail lamp.", vehicles.one_lamp_vehicle, ("motorcycle",), "stretch"),
}
"""At most one a site, in this order along the draw: what is added to the table comes last and moves nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Put:
    """What is put at one site of each of n cars, whatever was drawn for it; all else stays as it was drawn.

    encounter: (n,) int64 into the names of the table, -1 for nothing; where nothing is to be put, key is -1
    on_cell: (n,) bool, whether the site is a cell, or else a stretch
    key: (n,) int64, what draws for the site are keyed by
    """

    encounter: Ints
    on_cell: NDArray[np.bool_]
    key: Ints

    def of(self, rows: NDArray[Any]) -> "Put":
        """What is put for these cars."""
        return Put(self.encounter[rows], self.on_cell[rows], self.key[rows])

    def over(self, index: Ints, on: str, key: Ints) -> Ints:
        """The sites' encounters (n, sites) with what is put."""
        here = (key == self.key[:, None]) & (self.on_cell == (on == "cell"))[:, None]
        return np.where(here, self.encounter[:, None], index)


class Rare:
    """The encounters of a world: read from the table once, when a world is made."""

    def __init__(self, spec: WorldSpec, draws: Draws) -> None:
        self._draws = draws
        self._table = dict(ENCOUNTERS)
        self.names = tuple(self._table)
        named = [i for i, name in enumerate(self.names) if name in spec.encounters_per_km]
        self._order = np.array([*named, *(i for i in range(len(self.names)) if i not in named), -1])
        self._edges = {on: self._chances(spec, on, len(named)) for on in ("cell", "stretch")}

    def _chances(self, spec: WorldSpec, on: str, named: int) -> NDArray[np.float64]:
        """Upper ends of each encounter's share of the draw, (roads, encounters), in their order. Raises TooOften.

        Those that the world's file names come first; base rates have what room is left.
        """
        length_m = CELL_M if on == "cell" else STRETCH_M
        share = np.zeros((len(ROADS), len(self.names)))
        for place, i in enumerate(self._order[:-1].tolist()):
            encounter = self._table[self.names[i]]
            if encounter.on == on:
                share[:, place] = often(spec, self.names[i], encounter.per_km) * length_m / 1000.0
        edges = np.cumsum(share, axis=1)
        if (most := edges[:, :named].max(initial=0.0)) > 1.0 + 1e-9:
            raise TooOften(on, length_m, float(most))
        return np.asarray(np.minimum(edges, 1.0))

    def chance(self, name: str) -> Floats:
        """Chance that a site of its sort holds this encounter, (roads,), before a road's lanes are asked."""
        place = int(np.flatnonzero(self._order == self.names.index(name))[0])
        edges = self._edges[self._table[name].on]
        return np.asarray(np.diff(edges, axis=1, prepend=0.0)[:, place])

    def met(
        self, on: str, cars: Cars, road: Road, key: Ints, put: Put | None = None
    ) -> tuple[Ints, tuple[Floats, ...]]:
        """Which encounter each site (n, sites) holds, an index into `names` or -1, and draws for its looks."""
        which, *looks = self._draws.four("encounter" if on == "cell" else "ride", cars[:, None], key)
        index = self._order[(which[:, :, None] >= self._edges[on][road.kind][:, None, :]).sum(axis=2)]
        if put is not None:
            index = put.over(index, on, key)
        lanes = np.array([encounter.lanes for encounter in self._table.values()])
        there = (index >= 0) & (lanes[index] <= road.lanes[:, None])
        return np.where(there, index, -1), tuple(looks)

    def around(
        self, cars: Cars, progress: Progress, road: Road, put: Put | None = None
    ) -> tuple[Ints, NDArray[np.str_]]:
        """The sites of n cars, cells and then the stretch, (n, sites): their numbers, and names of what they hold."""
        _, _, key = stretch_of(progress)
        cells, _ = self.met("cell", cars, road, road.key, put)
        stretch, _ = self.met("stretch", cars, road, key[:, None], put)
        names = np.array([*self.names, ""])
        numbers = np.concatenate([2 * road.key, 2 * key[:, None] + 1], axis=1)
        return numbers, names[np.concatenate([cells, stretch], axis=1)]

    def beside_the_road(self, cars: Cars, ticks: Ints, road: Road, put: Put | None = None) -> Slots:
        """The things of all cells in sight, (n, cells * THINGS)."""
        index, looks = self.met("cell", cars, road, road.key, put)
        nothing = np.zeros(index.shape)
        along = road.start + 6.0 + 28.0 * looks[0]
        sites = _sites(road, ticks, along, nothing + 0.5, nothing, looks, 2 * road.key)
        return folded(self._placed(index, sites), *index.shape)

    def along_the_way(
        self, cars: Cars, ticks: Ints, progress: Progress, road: Road, put: Put | None = None
    ) -> tuple[Slots, NDArray[np.bool_]]:
        """What goes along with each car, (n, THINGS), and whether it is there instead of an ordinary vehicle ahead."""
        number, share, key = stretch_of(progress)
        index, looks = self.met("stretch", cars, road, key[:, None], put)
        gap = gap_ahead(progress, ticks, share, looks[1][:, 0])
        travelled = progress.along_m - number * STRETCH_M
        ride = 2 * key[:, None] + 1
        sites = _sites(road, ticks, gap[:, None], share[:, None], travelled[:, None], looks, ride)
        return self._placed(index, sites), index[:, 0] >= 0

    def _placed(self, index: Ints, sites: Sites) -> Slots:
        """Sites (n, k) and what they hold: things (n * k, THINGS)."""
        parts: list[tuple[Ints, Slots]] = []
        for i in np.unique(index[index >= 0]).tolist():
            here = np.nonzero(index == i)
            rows = here[0] * index.shape[1] + here[1]
            parts.append((rows, joined(self._table[self.names[i]].place(sites.at(here)))))
        return scattered(parts, index.size, THINGS)


def _sites(
    road: Road, ticks: Ints, along: Floats, share: Floats, travelled: Floats, looks: tuple[Floats, ...], number: Ints
) -> Sites:
    """Every site (n, k) of n cars; columns that a car has once are spread over its sites."""
    lane = -(road.lane + 0.5) * road.lane_width
    other = -np.where(road.lane == 0, 1.5, road.lane - 0.5) * road.lane_width
    once = {
        "edge": -road.half, "lane": lane, "beside": other, "half": road.half, "lane_width": road.lane_width,
        "seconds": ticks * (TICK_US / 1e6),
    }  # fmt: skip
    spread = {name: np.broadcast_to(values[:, None], along.shape) for name, values in once.items()}
    a, b, c = (looks[i] for i in (1, 2, 0))
    return Sites(along=along, share=share, travelled_m=travelled, a=a, b=b, c=c, number=number, **spread)
