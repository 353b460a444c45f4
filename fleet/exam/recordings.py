"""Recorded clips, as the server has them or as others wrote them, and a world that shows them to a car's computer.

What is read of an MCAP file: `/camera/NAME/image` (foxglove.CompressedImage, JPEG), for every camera of the network;
`/telemetry` (JSON, a value a VSS path), where there is any; and the record `calibration`, else the usual rig's numbers.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import simplejpeg
import torch
from mcap.exceptions import McapError
from mcap.reader import make_reader
from numpy.typing import NDArray

from fleet.errors import BadScores
from fleet.report.pictures import read_pictures
from scenarios import TICK_US, Camera, CameraFrames, Rig, World, cameras
from triggers import SignalTable

SEEN = ("Vehicle.Body.Raindetection.Intensity", "Vehicle.Exterior.LightIntensity")
"""Signals that come from the pictures, and so are there even where nobody recorded them."""
_LEVEL = ("x_m", "y_m", "z_m", "yaw_deg", "fov_deg", "height", "width")


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One recorded clip.

    name: of its file; pictures: tick to a JPEG by camera; signals: tick to a value by VSS path; ticks count from the
    first picture, so clips of any day run side by side
    """

    name: str
    pictures: Mapping[int, Mapping[str, bytes]]
    signals: Mapping[int, Mapping[str, Any]]

    @property
    def nbytes(self) -> int:
        """What its pictures weigh."""
        return sum(len(each) for at_once in self.pictures.values() for each in at_once.values())


def read_recording(file: Path, needed: Sequence[str]) -> Recording:
    """The clip in an MCAP file; needed: cameras that every tick must have. Raises UnreadableClip, BadScores."""
    pictures: dict[int, dict[str, bytes]] = defaultdict(dict)
    found = [each for each in read_pictures(file) if each.camera in needed]
    first = min((each.t_us for each in found), default=0)
    for each in found:
        pictures[round((each.t_us - first) / TICK_US)][each.camera] = each.encoded
    if not pictures:
        raise BadScores(file, f"it has no pictures of {', '.join(needed)} (topics /camera/NAME/image)")
    for at_once in pictures.values():
        if missing := [name for name in needed if name not in at_once]:
            raise BadScores(
                file, f"the clip lacks {', '.join(missing)}; the network needs all cameras (clip: cameras: [])"
            )
    return Recording(file.stem, dict(pictures), _signals(file, first))


def rig_of(file: Path) -> Rig:
    """The cameras by a clip's own calibration, or the usual ones where it has none."""
    with file.open("rb") as stream:
        said = {record.name: record.metadata for record in make_reader(stream).iter_metadata()}
    numbers = [
        json.loads(each) for _, each in sorted(said.get("calibration", {}).items(), key=lambda item: int(item[0]))
    ]
    return Rig(tuple(_camera(each) for each in numbers)) if numbers else cameras.EIGHT_CAMERAS


class Playback:
    """Shows recordings to a car's computer, car i the i-th; knows pictures and what was recorded, and no truth."""

    def __init__(self, recordings: Sequence[Recording], rig: Rig) -> None:
        self.recordings, self.rig = recordings, rig

    @property
    def as_world(self) -> World:
        """For `Onboard.see`, which asks for pictures and motion, and so needs no more of a world."""
        return cast("World", self)

    def frames(self, cars: NDArray[np.uint32], tick: int) -> CameraFrames:
        """Pictures of n cars that have some at this tick. Raises BadScores where they are of another size."""
        pixels = np.zeros((len(cars), len(self.rig.cameras), 3, self.rig.height, self.rig.width), np.uint8)
        for i, car in enumerate(cars.tolist()):
            recording = self.recordings[car]
            for j, camera in enumerate(self.rig.cameras):
                image = simplejpeg.decode_jpeg(recording.pictures[tick][camera.name], "RGB")
                if image.shape[:2] != (camera.height, camera.width):
                    says = f"{camera.name}: pictures of {image.shape[1]} x {image.shape[0]}"
                    raise BadScores(Path(recording.name), f"{says}, expected {camera.width} x {camera.height}")
                pixels[i, j, :, : camera.height, : camera.width] = np.moveaxis(image, -1, 0)
        ticks = np.full(len(cars), tick, np.int64)
        return CameraFrames(cars, ticks, torch.from_numpy(pixels))

    def motion(self, cars: NDArray[np.uint32], ticks: Any) -> Any:
        """A stand-in that moves nowhere: what the cars did is what they recorded, see `recorded`."""
        del ticks
        still, yes = np.zeros(len(cars)), np.ones(len(cars), np.bool_)
        names = (
            "x_m", "y_m", "latitude", "longitude", "heading_deg", "speed_mps", "acceleration_mps2", "lateral_mps2",
            "vertical_mps2", "yaw_rate_dps", "pitch_rate_dps", "odometer_m",
        )  # fmt: skip
        return SimpleNamespace(**dict.fromkeys(names, still), driving=yes, engaged=~yes)

    def recorded(self, table: SignalTable) -> SignalTable:
        """The table with the vehicle's signals as they were recorded; what nobody recorded is not valid."""
        columns, valid = dict(table.columns), dict(table.valid)
        for path in [name for name in columns if name.startswith("Vehicle.")]:
            said = [self.recordings[car].signals.get(table.tick, {}).get(path) for car in table.cars.tolist()]
            known = np.array([each is not None for each in said], np.bool_)
            if path in SEEN and not known.any():
                continue
            values = [0 if each is None else _number(each) for each in said]
            columns[path], valid[path] = np.array(values).astype(columns[path].dtype), known
        return SignalTable(table.cars, table.tick, columns, table.embedding, valid, table.backbone, table.units)


def _signals(file: Path, first_us: int) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    try:
        with file.open("rb") as stream:
            for _, _, message in make_reader(stream).iter_messages(topics=["/telemetry"]):
                found[round((message.log_time // 1000 - first_us) / TICK_US)] = json.loads(message.data)
    except (McapError, ValueError) as error:
        raise BadScores(file, f"/telemetry is not JSON as it should be: {error}") from None
    return found


def _number(value: Any) -> float:
    """A signal's value; of a word such as SAE_2 its number."""
    return float(value.rpartition("_")[2]) if isinstance(value, str) else float(value)


def _camera(numbers: Mapping[str, Any]) -> Camera:
    """As the record `calibration` has it."""
    lens = tuple(float(numbers.get(each, 0.0)) for each in ("k1", "k2", "k3"))
    return Camera(
        name=numbers["name"], **{each: numbers[each] for each in _LEVEL},
        horizon=numbers["cy"] / numbers["height"], middle=numbers["cx"] / numbers["width"],
        stretch=numbers["fx"] / numbers["fy"], pitch_deg=numbers.get("pitch_deg", 0.0),
        roll_deg=numbers.get("roll_deg", 0.0), distortion=(lens[0], lens[1], lens[2]),
    )  # fmt: skip
