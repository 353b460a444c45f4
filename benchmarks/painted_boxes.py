"""How well the things that are painted cover the boxes that were logged; a line of JSON a drive, and one for all.

    python benchmarks/painted_boxes.py DRIVES [DRIVES ...]

Every logged box is projected here once more, by eight corners, with this file's own mathematics: for Argoverse 2
straight from the log's feather files, for other formats from the neutral drive. That is held against `Truth.box`, the
renderer's own silhouettes, in all eight cameras at 512 x 768 pixels: intersection over union of two upright rectangles.

The painter's cameras are level, so a box is put into a frame that turns with the ego's yaw only: its place on the map
less the ego's, turned back by the yaw, and its height above the ego's own floor, which an Argoverse 2 log has 0.33 m
below the origin of its ego frame. Boxes count whose projection inside the image is at least 20 pixels wide and high and
that have no corner within half a metre of the camera's plane. One that is logged and has no silhouette counts as 0.
"""

import json
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.feather
from numpy.typing import NDArray

from camera_boxes import CORNERS, Floats, overlap
from fleet.measured import Figure, told
from scenarios import Truth
from scenarios.cameras import EIGHT_CAMERAS, Camera
from scenarios.recorded import Drive
from scenarios.recorded.world import RecordedWorld

RIG = EIGHT_CAMERAS.resized(8)
MOMENTS = 5
REACH_M = 80.0
SIDE_PX = 20.0
NEAR_M = 0.5
EGO_ABOVE_ROAD_M = 0.33


@dataclass
class Comparison:
    """A drive's boxes: intersection over union of each in each camera that sees it."""

    drive: str
    source: str
    overlaps: list[float] = field(default_factory=list)

    @property
    def median_iou(self) -> float:
        """The median; 0 where no box was large enough."""
        return float(np.median(self.overlaps)) if self.overlaps else 0.0

    def told(self) -> dict[str, object]:
        """As a line of JSON."""
        overlaps = np.array(self.overlaps)
        return {
            "drive": self.drive, "source": self.source, "boxes": len(overlaps), "median_iou": round(self.median_iou, 4),
            "over_0.9": round(float((overlaps > 0.9).mean()), 4) if len(overlaps) else 0.0,
            "unpainted": int((overlaps == 0).sum()),
        }  # fmt: skip


def compared(place: Path, moments: int = MOMENTS) -> list[Comparison]:
    """Every drive under a place, at a few logged moments each."""
    world = RecordedWorld(seed=1, cars=1, drives=str(place), rig=RIG, compiled=False)
    found = []
    for number, drive in enumerate(world.drives):
        cars, t_us = _riders(world, number, drive, moments)
        truth = world.truth(cars, 0)
        comparison = Comparison(drive.name, drive.source)
        for row, moment in enumerate(t_us.tolist()):
            for agent, corners in _logged(place, drive, moment):
                slot = np.flatnonzero(truth.encounter[row] == (number << 32) + agent + 1)
                comparison.overlaps += _overlaps(corners, truth, row, slot)
        found.append(comparison)
    return found


def _riders(
    world: RecordedWorld, number: int, drive: Drive, moments: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cars that ride a drive at tick 0 within a millisecond of logged moments, spread over it, and these times."""
    cars = np.arange(4000)
    which, t_us = world.ridden(cars, 0)
    between = np.abs(drive.timestamps_us - t_us[:, None]).min(axis=1)
    fit = np.flatnonzero((which == number) & (between < 1000))
    fit = fit[np.argsort(t_us[fit], kind="stable")]
    chosen = fit[np.linspace(0, len(fit) - 1, moments).round().astype(int)]
    return cars[chosen], t_us[chosen]


def _logged(place: Path, drive: Drive, t_us: int) -> Iterator[tuple[int, Floats]]:
    """Number and corners (8, 3) of every agent that the log has within reach, in the ego's levelled frame."""
    moment = int(np.abs(drive.timestamps_us - t_us).argmin())
    boxes = _raw(place, drive, moment) if drive.source == "argoverse2-sensor" else _neutral(drive, moment)
    for agent, (middle, yaw, size) in boxes.items():
        if math.hypot(middle[0], middle[1]) < REACH_M:
            side = CORNERS * size
            turned = [
                (x * math.cos(yaw) - y * math.sin(yaw), x * math.sin(yaw) + y * math.cos(yaw), z) for x, y, z in side
            ]
            yield agent, np.array(turned) + middle


def _neutral(drive: Drive, moment: int) -> dict[int, tuple[Floats, float, Floats]]:
    """Middle, yaw and size of each agent, from a drive."""
    agents, boxes = drive.agents, {}
    turn = -float(drive.yaw_rad[moment])
    for agent in np.flatnonzero(agents.valid[moment]).tolist():
        size = np.array([agents.length_m[agent], agents.width_m[agent], agents.height_m[agent]])
        offset = np.array([
            agents.x_m[moment, agent] - drive.x_m[moment],
            agents.y_m[moment, agent] - drive.y_m[moment],
            agents.z_bottom_m[moment, agent] - drive.z_m[moment],
        ])  # fmt: skip
        height = float(offset @ drive.up[moment]) + size[2] / 2
        boxes[agent] = (_levelled(offset, turn, height), float(agents.yaw_rad[moment, agent]) + turn, size)
    return boxes


def _raw(place: Path, drive: Drive, moment: int) -> dict[int, tuple[Floats, float, Floats]]:
    """The same straight from an Argoverse 2 sensor log: boxes in the ego frame of their sweep, the ego in the city."""
    rows, poses = _tables(place, drive.name)
    stamp = int(np.unique(rows["timestamp_ns"])[moment])
    at = int(np.abs(poses["timestamp_ns"] - stamp).argmin())
    ego = _rotation(*(poses[name][at] for name in ("qw", "qx", "qy", "qz")))
    turn = -math.atan2(ego[1, 0], ego[0, 0])
    boxes = {}
    for row in np.flatnonzero(rows["timestamp_ns"] == stamp).tolist():
        if rows["track_uuid"][row] in drive.agents.ids:
            middle = np.array([rows[name][row] for name in ("tx_m", "ty_m", "tz_m")])
            box = ego @ _rotation(*(rows[name][row] for name in ("qw", "qx", "qy", "qz")))
            size = np.array([rows[name][row] for name in ("length_m", "width_m", "height_m")])
            place_m = _levelled(ego @ middle, turn, float(middle[2]) + EGO_ABOVE_ROAD_M)
            boxes[drive.agents.ids.index(rows["track_uuid"][row])] = (
                place_m,
                math.atan2(box[1, 0], box[0, 0]) + turn,
                size,
            )
    return boxes


@cache
def _tables(place: Path, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Annotations and ego poses of a log, as columns."""
    folder = place if place.name == name else next(place.rglob(name))
    files = (next(folder.glob("annotations*.feather")), folder / "city_SE3_egovehicle.feather")
    tables = [pyarrow.feather.read_table(file) for file in files]
    annotations, poses = ({column: table[column].to_numpy() for column in table.column_names} for table in tables)
    return annotations, poses


def _rotation(w: float, x: float, y: float, z: float) -> Floats:
    """The matrix of a unit quaternion."""
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip


def _levelled(offset: Floats, turn: float, height: float) -> Floats:
    """A place on the map, less the ego's, in a frame that turns with the ego's yaw."""
    east, north = float(offset[0]), float(offset[1])
    cos, sin = math.cos(turn), math.sin(turn)
    return np.array([cos * east - sin * north, sin * east + cos * north, height])


def _overlaps(corners: Floats, truth: Truth, row: int, slot: NDArray[np.intp]) -> list[float]:
    """Intersection over union in every camera that sees a box large enough; slot: where the truth has it, if so."""
    found = []
    for number, camera in enumerate(RIG.cameras):
        logged = _rectangle(corners, camera)
        if logged is not None:
            painted = truth.box[row, number, slot[0]].astype(np.float64) if len(slot) else np.zeros(4)
            found.append(overlap(logged, painted))
    return found


def _rectangle(corners: Floats, camera: Camera) -> Floats | None:
    """Left, top, right, bottom of eight corners (8, 3) in an image; None where it is too near or too small."""
    yaw, half = math.radians(camera.yaw_deg), math.radians(camera.fov_deg) / 2
    focal = camera.width / (2 * math.tan(half))
    x, y, z = (corners - (camera.x_m, camera.y_m, camera.z_m)).T
    ahead, aside = x * math.cos(yaw) + y * math.sin(yaw), y * math.cos(yaw) - x * math.sin(yaw)
    if ahead.min() < NEAR_M:
        return None
    columns = np.clip(camera.width / 2 - focal * aside / ahead, 0, camera.width)
    rows = np.clip(camera.height * camera.horizon - focal * z / ahead, 0, camera.height)
    box = np.array([columns.min(), rows.min(), columns.max(), rows.max()])
    return box if (box[2:] - box[:2]).min() >= SIDE_PX else None


def main() -> None:
    """Measure every drive in the folders given, or in all of OUTRIDER_DATA."""
    data = os.environ.get("OUTRIDER_DATA")
    places = [Path(name) for name in sys.argv[1:]] or sorted(Path(data).glob("logs_*") if data else [])
    every = [each for place in places for each in compared(place)]
    for each in every:
        print(json.dumps(each.told()))
    overlaps = [overlap for each in every for overlap in each.overlaps]
    figures = []
    if overlaps:
        low, middle, high = np.quantile(overlaps, (0.25, 0.5, 0.75)).tolist()
        figures.append(Figure("median_iou", middle, 0.95, "logged boxes, projected", len(overlaps), low, high))
    print(json.dumps(told("painted_boxes", figures)))


if __name__ == "__main__":
    main()
