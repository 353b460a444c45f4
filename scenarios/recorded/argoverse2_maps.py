"""Vector maps and ground heights of Argoverse 2, in the city frame."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.recorded.drive import Floats, Line, RoadLine, RoadMap
from scenarios.recorded.recording import map_line, middle_line, reading

CITY_ORIGIN = {
    "ATX": (30.27464237939507, -97.7404457407424),
    "DTW": (42.29993066912924, -83.17555750783717),
    "MIA": (25.77452579915163, -80.19656914449405),
    "PAO": (37.416065, -122.13571963362166),
    "PIT": (40.44177902989321, -80.01294377242584),
    "WDC": (38.889377, -77.0355047439081),
}
"""Latitude and longitude of a city frame's zero; its axes are those of UTM, within a degree of east and north."""

CITY_CODE = {
    "austin": "ATX",
    "dearborn": "DTW",
    "miami": "MIA",
    "palo-alto": "PAO",
    "pittsburgh": "PIT",
    "washington-dc": "WDC",
}
"""Names of cities in motion forecasting files."""

_EXPECTED = "an Argoverse 2 map: JSON with lane_segments, drivable_areas and pedestrian_crossings"


@dataclass(frozen=True, slots=True, eq=False)
class GroundHeight:
    """Height of the ground over a city frame.

    heights_m: (rows, columns) float16 as in the file, NaN where unknown
    shift_m: (2,) added to a place before scaling
    cells_per_m: scale
    """

    heights_m: NDArray[np.float16]
    shift_m: Floats
    cells_per_m: float

    def at(self, places_m: Floats) -> Floats:
        """places_m (..., 2): heights (...), NaN outside."""
        cells = np.rint((places_m + self.shift_m) * self.cells_per_m).astype(np.int64)
        rows, columns = self.heights_m.shape
        inside = (cells >= 0).all(-1) & (cells[..., 0] < columns) & (cells[..., 1] < rows)
        column, row = np.where(inside, cells[..., 0], 0), np.where(inside, cells[..., 1], 0)
        return np.where(inside, self.heights_m[row, column].astype(np.float64), np.nan)


def read_ground(folder: Path) -> GroundHeight | None:
    """The ground of a log's map folder, or None where it has none; CorruptDrive."""
    heights, shifts = sorted(folder.glob("*ground_height_surface*.npy")), sorted(folder.glob("*___img_Sim2_city.json"))
    if not heights or not shifts:
        return None
    with reading(heights[0], "a 2-D array of heights with its ___img_Sim2_city.json beside it"):
        image = json.loads(shifts[0].read_text())
        surface = np.load(heights[0], allow_pickle=False)
        if surface.ndim != 2 or list(image["R"]) != [1.0, 0.0, 0.0, 1.0]:
            raise ValueError("heights are not on a grid along the city frame's axes")
        return GroundHeight(surface, np.array(image["t"], np.float64), float(image["s"]))


def read_map(file: Path) -> RoadMap:
    """A map JSON in the city frame; CorruptDrive."""
    with reading(file, _EXPECTED):
        whole = json.loads(file.read_text())
        segments = [whole["lane_segments"][key] for key in whole["lane_segments"]]
        lanes, lines, surfaces = [], [], []
        for segment in segments:
            left, right = _points(segment["left_lane_boundary"]), _points(segment["right_lane_boundary"])
            if segment["lane_type"] != "BIKE":
                lanes.append(middle_line(left, right))
            surfaces.append((np.concatenate([left, right[::-1]]),))
            lines += _painted(left, segment["left_lane_mark_type"]) + _painted(right, segment["right_lane_mark_type"])
        areas = whole.get("drivable_areas", {})
        return RoadMap(
            lanes=tuple(lanes),
            lines=tuple(lines),
            crosswalks=tuple(_crosswalk(crossing) for crossing in whole.get("pedestrian_crossings", {}).values()),
            drivable=tuple(surfaces) + tuple((_points(area["area_boundary"]),) for area in areas.values()),
        )


def _points(corners: list[dict[str, Any]]) -> Line:
    return map_line([[corner["x"], corner["y"]] for corner in corners])


def _painted(points: Line, mark: str) -> list[RoadLine]:
    if mark in {"NONE", "UNKNOWN"}:
        return []
    colour: Literal["white", "yellow"] = "yellow" if "YELLOW" in mark else "white"
    return [RoadLine(points, "dashed" if mark.startswith(("DASHED", "DOUBLE_DASH")) else "solid", colour)]


def _crosswalk(crossing: dict[str, Any]) -> Line:
    first, second = _points(crossing["edge1"]), _points(crossing["edge2"])
    straight = np.hypot(*(first[-1] - second[-1])) + np.hypot(*(first[0] - second[0]))
    crossed = np.hypot(*(first[-1] - second[0])) + np.hypot(*(first[0] - second[-1]))
    return np.concatenate([first, second[::-1] if straight <= crossed else second])
