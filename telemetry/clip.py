"""A clip: the bytes and numbers of one moment a trigger wanted kept."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

Scalar = float | int | bool | str | None
PerTick = list[Scalar | list[Scalar]]  # one value, or one list of values, a tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One moment, cut from one car; T ticks, C cameras.

    id: unique within its run
    run: the run it belongs to
    car, tick: where and when the trigger fired
    t_us: simulated time of the fire, µs since midnight of the plan's first day
    trigger, version, score, priority: what fired, and how strongly; priority 0 to 100
    ticks: (T,) the camera ticks in the clip, ascending
    cameras: (C,) names
    frames: T lists of C JPEGs; a camera that gave nothing at a tick is b""
    calibration: C dicts of a camera's numbers: name, x_m, y_m, z_m, yaw_deg, fov_deg, height, width, fx, fy, cx, cy,
        and of one that is tilted or whose lens distorts pitch_deg, roll_deg, k1, k2, k3
    poses: T dicts: x_m (east), y_m (north), heading_deg (0 is north, clockwise), latitude, longitude
    signals: VSS path to T values; None where a signal was not valid
    percepts: task to T outputs of the production network
    shadows: candidate to the same, of a network that only watched
    top_down: viewer to T maps, a PNG each; first the one that the car drives by
    complete: whether every tick and camera that was asked for is there
    sha256: hex, over each tick's pictures and then its maps, one after the other; computed when left out
    """

    id: str
    run: str
    car: int
    tick: int
    t_us: int
    trigger: str
    version: int
    score: float
    priority: int
    ticks: tuple[int, ...]
    cameras: tuple[str, ...]
    frames: list[list[bytes]]
    calibration: list[dict[str, Scalar]]
    poses: list[dict[str, Scalar]]
    signals: dict[str, PerTick]
    percepts: dict[str, PerTick]
    shadows: dict[str, dict[str, PerTick]]
    complete: bool
    top_down: dict[str, list[bytes]] = field(default_factory=dict)
    sha256: str = ""

    def __post_init__(self) -> None:
        if not self.sha256:
            object.__setattr__(self, "sha256", hash_pictures(self.parts))

    @property
    def pictures(self) -> list[bytes]:
        """The T times C JPEGs in one row, tick by tick."""
        return [picture for row in self.frames for picture in row]

    @property
    def parts(self) -> list[bytes]:
        """Tick by tick the JPEGs and then the maps: all the bytes that are no numbers."""
        rows = [[*row, *(maps[i] for maps in self.top_down.values())] for i, row in enumerate(self.frames)]
        return [part for row in rows for part in row]

    @property
    def nbytes(self) -> int:
        """What the clip weighs on an uplink: the bytes of its pictures and maps."""
        return sum(len(part) for part in self.parts)

    def write(self, path: Path) -> None:
        """Write an MCAP file; when it returns, the file is whole and on disk."""
        from telemetry.clips import write_clip

        write_clip(self, path)

    @classmethod
    def read(cls, path: Path) -> "Clip":
        """The clip in an MCAP file, every byte checked; raises MalformedClip, a TelemetryError."""
        from telemetry.clips import read_clip

        return read_clip(path)


def hash_pictures(pictures: Iterable[bytes | memoryview]) -> str:
    """The sha256, in hex, of pictures one after the other."""
    total = hashlib.sha256()
    for picture in pictures:
        total.update(picture)
    return total.hexdigest()
