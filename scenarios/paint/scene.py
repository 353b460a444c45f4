"""What the painter is given: plain arrays, the same for drawn and for recorded worlds."""

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Kind(IntEnum):
    """What stands on the road. The painter shades by it; a labeller names by it."""

    NONE = 0
    VEHICLE = 1
    TRUCK = 2
    PEDESTRIAN = 3
    CYCLIST = 4
    STOP_SIGN = 5
    NO_ENTRY = 6  # the near miss of a stop sign: red and round
    CAUTION_LIGHT = 7
    BALLOON = 8  # the near miss of a caution light: orange and round
    BARRIER = 9
    CONE = 10
    POLE = 11
    TREE = 12
    BOX = 13
    DARK_LAMP = 14  # the other near miss of a caution light: the same lamp, out of order
    SPEED_SIGN = 15
    TRAFFIC_LIGHT = 16
    LAMP_SIGN = 17  # near miss of a traffic light: a shop's lit cross
    HYDRANT = 18  # near miss of a cone
    ADVERT = 19  # near miss of a stop sign: a poster that shows one
    BAG = 20  # near miss of a held stop sign: a round red bag
    ANIMAL = 21
    RUBBISH = 22  # near miss of an animal: a bag blown over the road
    BICYCLE = 23  # near miss of a cyclist: nobody rides it
    STATUE = 24  # near miss of somebody crossing
    SCHOOL_BUS = 25
    ROOF_LOAD = 26
    TAXI_SIGN = 27  # near miss of a roof load
    FOLIAGE = 28
    HUMP = 29  # near miss of a crosswalk: stripes across the road
    GATE = 30
    PLATE = 31
    STICKER = 32  # near miss of a speed sign: the number on the back of a lorry
    MOTORCYCLE = 33
    STEEL_PLATE = 34  # lies on the road: nothing to see, and a loud echo for a radar


OBJECT = (
    "x",
    "y",
    "cos",
    "sin",
    "half_length",
    "half_width",
    "z0",
    "z1",
    "kind",
    "red",
    "green",
    "blue",
    "round",
    "state",
)
"""Columns of `Scene.objects`: place and heading in the car frame, half sizes, bottom and top, kind, colour in [0, 1],
roundness (1 a box, 0 an ellipse as seen), state (which of a kind's looks it wears: a lamp lit, brake lights on, a
traffic light's colour, a sign's number)."""

LIGHT = ("x", "y", "z", "size", "red", "green", "blue", "power")
"""Columns of `Scene.lights`: place in the car frame, radius in metres, colour, power (0 = off)."""

ROAD = (
    "along",  # m along the road, wrapped; textures hang on it
    "offset",  # m, car's place left of the road's middle
    "cos",  # of the car's heading against the road
    "sin",
    "curvature",  # 1/m, left positive
    "lanes",  # a direction
    "lane_width",  # m
    "walk",  # m, width of the pavement
    "crossing",  # m ahead of the car along the road to a crosswalk's middle; far away = none
    "crossing_behind",  # m, the last one passed (negative)
    "junction",  # m ahead to the middle of a crossing street
    "facade",  # m from the road's middle to the houses
    "seed",  # below 2^20: which houses
    "wear",  # 0..1 how worn the paint is
    "median",  # m between the two directions
    "bays",  # 1 = parking bays beside the lane
    "roof",  # m ahead to where a tunnel's roof begins; far away = none
    "roof_end",  # m ahead to where it ends
)
"""Columns of `Scene.road`."""

POSE = ("map", "map_x", "map_y", "map_cos", "map_sin")
"""Columns of `Scene.pose`: which raster, the car's place in it in cells from its corner, heading in cells a metre."""

GLOWS = 5
"""Lights a camera draws at most, the brightest as seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What n cars have around them at one moment each.

    objects: (n, slots, len(OBJECT)) float32
    lights: (n, lights, len(LIGHT)) float32
    road: (n, len(ROAD)) float32
    weather: (n, conditions) float32, severities in the order of the painter's conditions
    noise: (n,) float32 whole numbers below 2^20, another one each tick: sensor noise, rain
    pose: (n, len(POSE)) float32 where the car stands on a raster of the ground; zeros where the road is drawn
    covered: (n, cameras) float32 how much of each lens something covers, 1 = blinded
    """

    objects: NDArray[np.float32]
    lights: NDArray[np.float32]
    road: NDArray[np.float32]
    weather: NDArray[np.float32]
    noise: NDArray[np.float32]
    pose: NDArray[np.float32]
    covered: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.noise)

    def part(self, start: int, stop: int, size: int) -> "Scene":
        """Rows start to stop, padded to `size` rows by repeating the last one."""
        rows = np.minimum(np.arange(start, start + size), stop - 1)
        return Scene(*(getattr(self, field.name)[rows] for field in fields(self)))
