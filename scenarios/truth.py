"""What was really there, for the labeller (with its error rate) and the examiner only."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.paint.scene import Kind
from scenarios.trips import ROADS

KINDS = tuple(kind.name.lower() for kind in Kind)
"""Names of `Truth.kind`, by number."""

TRAITS = (
    "flashing",
    "on_barrier",
    "on_bus",
    "held",
    "on_tree",
    "on_gate",
    "with_plate",
    "behind_foliage",
    "tilted",
    "crossing",
    "cutting_in",
    "drifting",
    "braking_hard",
    "cutting_out",
    "swerving",
    "weaving",
    "pulling_away",
    "billowing",
    "wide",
)
"""What may be said of a thing besides its kind; trait i is bit i of `Truth.traits`."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """n cars at one moment each, K places for things, C cameras.

    cars: (n,) uint32; ticks: (n,) int64
    kind: (n, K) uint8 into KINDS; valid: (n, K) bool
    encounter: (n, K) int64, one physical thing keeps its number from tick to tick; 0 = nobody counts it
    distance_m, x_m, y_m: (n, K) float32, to the thing's middle, and it ahead and left in the car frame
    state: (n, K) float32, 1 = lamp lit, brake lights on; a traffic light's 0 off, 1 red, 2 amber, 3 green; a speed
        sign's 0 to 3 = 30, 50, 80, 120 km/h
    traits: (n, K) int64, a bit for each of TRAITS
    tilt_deg: (n, K) float32, how far a sign leans, clockwise as seen
    pixels: (n, C, K) float32 visible pixels; visible: (n, C, K) float32 visible share of the silhouette
    box: (n, C, K, 4) float32 left, top, right, bottom of the whole silhouette inside the image, pixels
    lane_offset_m, heading_error_rad, curvature_1pm, crosswalk_m, lanes: (n,) float32; a crosswalk that is not there is
        at infinity; where a world knows no lanes, lanes is 0
    speed_mps: (n,) float32
    road: (n,) uint8 into ROADS; tunnel: (n,) float32, 1 = under a tunnel's roof
    covered: (n, C) float32, how much of each lens dirt covers; 1 = blinded
    severities: condition to (n,) float32
    """

    cars: NDArray[np.uint32]
    ticks: NDArray[np.int64]
    kind: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    encounter: NDArray[np.int64]
    distance_m: NDArray[np.float32]
    x_m: NDArray[np.float32]
    y_m: NDArray[np.float32]
    state: NDArray[np.float32]
    traits: NDArray[np.int64]
    tilt_deg: NDArray[np.float32]
    pixels: NDArray[np.float32]
    visible: NDArray[np.float32]
    box: NDArray[np.float32]
    lane_offset_m: NDArray[np.float32]
    heading_error_rad: NDArray[np.float32]
    curvature_1pm: NDArray[np.float32]
    crosswalk_m: NDArray[np.float32]
    lanes: NDArray[np.float32]
    speed_mps: NDArray[np.float32]
    road: NDArray[np.uint8]
    tunnel: NDArray[np.float32]
    covered: NDArray[np.float32]
    severities: dict[str, NDArray[np.float32]]

    def has(self, trait: str) -> NDArray[np.bool_]:
        """Which things have a trait, (n, K); ValueError for one that is not in TRAITS."""
        return (self.traits >> TRAITS.index(trait) & 1).astype(np.bool_)

    def moments(self) -> dict[str, NDArray[Any]]:
        """What slices may ask of moments, (n,) each: every condition, `road` by name, `tunnel`."""
        return {**self.severities, "road": np.array(ROADS)[self.road], "tunnel": self.tunnel}

    def things(self, rows: NDArray[np.intp], slots: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """What slices may ask of things, (m,) each, for m pairs of row and slot: of the moment, then of the thing.

        `visible` is that of the camera that shows most of it.
        """
        moment = {name: values[rows] for name, values in self.moments().items()}
        best = self.pixels[rows, :, slots].argmax(axis=1)
        own = {
            "kind": np.array(KINDS)[self.kind[rows, slots]],
            "visible": self.visible[rows, best, slots],
            "pixels": self.pixels[rows, best, slots],
            "distance_m": self.distance_m[rows, slots],
            "tilt_deg": self.tilt_deg[rows, slots],
            "state": self.state[rows, slots],
        }
        return {**moment, **own, **{trait: self.has(trait)[rows, slots] for trait in TRAITS}}
