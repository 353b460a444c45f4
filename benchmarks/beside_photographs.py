"""Our painting of a recorded moment beside the photographs that were taken at it; a picture, a table, and JSON.

    python benchmarks/beside_photographs.py [FRAME.pkl DRIVE.pkl] [--out PICTURE.png]

FRAME: six photographs of nuScenes with their labels, as mmdetection3d keeps them; DRIVE: the same scene as ScenarioNet
converted it, whose first moment is the frame's. Without them, scene-0061 of OUTRIDER_DATA. The rig is the frame's, each
camera where it stood when its photograph was taken, tilted as the ego then was: a drive of ScenarioNet knows only the
ego's yaw. Every labelled vehicle within 60 m is held against the painter's own silhouette of it (`Truth.box`). In the
picture labels are green, silhouettes yellow. The photographs stay under their licence; the picture, too.
"""

import argparse
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from camera_boxes import NUSCENES_PX, Floats, overlap
from fleet.measured import Figure, told
from scenarios import Truth
from scenarios.cameras import Rig
from scenarios.recorded.calibrations import LAYERS, THINGS, mounted, pinhole
from scenarios.recorded.pickles import numbers, read_plain_pickle
from scenarios.recorded.world import RecordedWorld

VEHICLES = ("car", "truck", "trailer", "bus", "construction_vehicle")
WITHIN_M = 60.0
SAME_M = 1.0
SCALE = 0.3
COLUMNS = ("CAM_FRONT_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_BACK_LEFT", "CAM_BACK", "CAM_BACK_RIGHT")
CALM = {"conditions": {}, "night": {"share": 0.0}}


@dataclass(frozen=True)
class Vehicle:
    """A labelled vehicle in a photograph, and the same in the painting.

    label, painted: left, top, right, bottom, pixels of the painting; painted is zeros where there is none
    visible: share of the silhouette that nothing hides
    """

    camera: str
    category: str
    distance_m: float
    label: Floats
    painted: Floats
    visible: float

    @property
    def iou(self) -> float:
        """Intersection over union of the two."""
        return overlap(self.label, self.painted)


class Moment:
    """A labelled frame, and the recorded world at the same moment, painted with the frame's cameras."""

    def __init__(self, frame: Path, drive: Path, scale: float = SCALE) -> None:
        whole = read_plain_pickle(frame)
        self.frame, self.folder, self.scale = whole["data_list"][0], frame.parent, scale
        self.category = {number: name for name, number in whole["metainfo"]["categories"].items()}
        self.rig = self._rig()
        self._world = RecordedWorld(seed=1, cars=1, drives=str(drive), rig=self.rig, compiled=False, chunk=1, **CALM)
        moments = max(self._world.drives[0].duration_us // 100_000, 1)
        self._tick = int(-self._world.ridden([0], 0)[1][0] // 100_000 % moments)  # when car 0 is at the drive's start

    @cached_property
    def truth(self) -> Truth:
        """What was there, and where it is painted."""
        return self._world.truth([0], self._tick)

    @cached_property
    def painting(self) -> NDArray[np.uint8]:
        """(cameras, height, width, 3)."""
        return self._world.frames([0], self._tick).pixels[0].permute(0, 2, 3, 1).numpy()

    def photograph(self, camera: str) -> Image.Image:
        """As large as the painting."""
        size = (self.rig.width, self.rig.height)
        return Image.open(self.folder / self.frame["images"][camera]["img_path"]).convert("RGB").resize(size)

    @property
    def _level_from_ego(self) -> Floats:
        """(4, 4): from the tilted frame of the ego into one that turns with its yaw only."""
        ahead, level = numbers(self.frame["ego2global"])[:3, :3], np.eye(4)
        cos, sin = ahead[:2, 0] / np.linalg.norm(ahead[:2, 0])
        level[:3, :3] = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]]) @ ahead
        return level

    def _rig(self) -> Rig:
        level_from_laser = self._level_from_ego @ numbers(self.frame["lidar_points"]["lidar2ego"])
        cameras = []
        for name in COLUMNS:
            said = self.frame["images"][name]
            pose = level_from_laser @ np.linalg.inv(numbers(said["lidar2cam"]))
            cameras.append(mounted(name, pose, pinhole(numbers(said["cam2img"]), *NUSCENES_PX)).resized(self.scale))
        return Rig(tuple(cameras), THINGS, LAYERS)

    def vehicles(self) -> list[Vehicle]:
        """Every labelled vehicle within 60 m, in each photograph that shows it."""
        level_from_laser = self._level_from_ego @ numbers(self.frame["lidar_points"]["lidar2ego"])
        laser = np.array([numbers(each["bbox_3d"])[:3] for each in self.frame["instances"]])
        places = laser @ level_from_laser[:3, :3].T + level_from_laser[:3, 3]
        found = []
        for number, name in enumerate(COLUMNS):
            camera_from_laser = numbers(self.frame["images"][name]["lidar2cam"])
            own = laser @ camera_from_laser[:3, :3].T + camera_from_laser[:3, 3]
            for label in self.frame["cam_instances"][name]:
                category = self.category[label["bbox_label"]]
                which = np.linalg.norm(own - numbers(label["bbox_3d"])[:3], axis=1).argmin()
                if category in VEHICLES and np.hypot(*places[which, :2]) <= WITHIN_M:
                    found.append(self._vehicle(number, category, places[which], label))
        return found

    def _vehicle(self, camera: int, category: str, place: Floats, label: dict[str, Any]) -> Vehicle:
        truth, pixels = self.truth, (np.array(label["bbox"]) + 0.5) * self.scale
        away = np.where(truth.valid[0], np.hypot(truth.x_m[0] - place[0], truth.y_m[0] - place[1]), np.inf)
        slot, distance = int(away.argmin()), float(np.hypot(*place[:2]))
        if away[slot] > SAME_M:
            return Vehicle(COLUMNS[camera], category, distance, pixels, np.zeros(4), 0.0)
        painted, visible = truth.box[0, camera, slot].astype(float), float(truth.visible[0, camera, slot])
        return Vehicle(COLUMNS[camera], category, distance, pixels, painted, visible)

    def picture(self) -> Image.Image:
        """Three cameras side by side: photograph above painting; the ones ahead above the ones behind."""
        wide, high = self.rig.width, self.rig.height
        whole = Image.new("RGB", (3 * wide, 4 * high))
        vehicles = self.vehicles()
        for number, name in enumerate(COLUMNS):
            place = (number % 3 * wide, number // 3 * 2 * high)
            for below, image in enumerate((self.photograph(name), Image.fromarray(self.painting[number]))):
                draw = ImageDraw.Draw(image)
                draw.text((4, 2), f"{name} {'painted' if below else ''}", fill=(255, 255, 255))
                for each in vehicles:
                    if each.camera == name:
                        draw.rectangle(each.label.tolist(), outline=(0, 255, 0))
                        draw.rectangle(each.painted.tolist(), outline=(255, 220, 0))
                whole.paste(image, (place[0], place[1] + below * high))
        return whole


def main() -> None:
    """Compare what is named, or scene-0061 of OUTRIDER_DATA."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="*", metavar="FRAME.pkl DRIVE.pkl")
    parser.add_argument("--out", type=Path, help="where the picture goes; none without it")
    asked = parser.parse_args()
    places, data = [Path(each) for each in asked.places], Path(os.environ.get("OUTRIDER_DATA", "."))
    if not places:
        frames = sorted(data.glob("camera_boxes_ncsa/nuscenes_scene-0061_frame0/*.pkl"))
        places = [*frames, *sorted(data.glob("logs_nuscenes_ncsa/*scene-0061.pkl"))]
    figures = []
    if len(places) == 2:
        moment = Moment(*places)
        vehicles = moment.vehicles()
        for each in vehicles:
            share = f"{each.visible:4.0%} visible   IoU {each.iou:.3f}"
            print(f"{each.camera:<17} {each.category:<8} {each.distance_m:5.1f} m  {share}")
        if asked.out:
            moment.picture().save(asked.out)
        figures.append(Figure.of("vehicles_iou", [each.iou for each in vehicles], 0.8, "labels in photographs"))
    print(json.dumps(told("beside_photographs", figures)))


if __name__ == "__main__":
    main()
