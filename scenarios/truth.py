"""What was really there, for the labeller (with its error rate) and the examiner only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.paint.scene import Kind

KINDS = tuple(kind.name.lower() for kind in Kind)
"""Names of `Truth.kind`, by number."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """n cars at one moment each, K places for things, C cameras.

    cars: (n,) uint32; ticks: (n,) int64
    kind: (n, K) uint8 into KINDS; valid: (n, K) bool
    encounter: (n, K) int64, one physical thing keeps its number from tick to tick; 0 = nobody counts it
    distance_m, x_m, y_m: (n, K) float32, to the thing's middle, and it ahead and left in the car frame
    state: (n, K) float32, 1 = lamp lit, brake lights on
    pixels: (n, C, K) float32 visible pixels; visible: (n, C, K) float32 visible share of the silhouette
    box: (n, C, K, 4) float32 left, top, right, bottom of the whole silhouette inside the image, pixels
    lane_offset_m, heading_error_rad, curvature_1pm, crosswalk_m, lanes: (n,) float32; a crosswalk that is not there is
        at infinity; where a world knows no lanes, lanes is 0
    speed_mps: (n,) float32
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
    pixels: NDArray[np.float32]
    visible: NDArray[np.float32]
    box: NDArray[np.float32]
    lane_offset_m: NDArray[np.float32]
    heading_error_rad: NDArray[np.float32]
    curvature_1pm: NDArray[np.float32]
    crosswalk_m: NDArray[np.float32]
    lanes: NDArray[np.float32]
    speed_mps: NDArray[np.float32]
    severities: dict[str, NDArray[np.float32]]
