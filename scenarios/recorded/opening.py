"""Finding recorded drives in a file, a folder, or a folder of many."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from scenarios.errors import NoDrives
from scenarios.recorded import argoverse2, commonroad, scenarionet
from scenarios.recorded.drive import Drive

log = structlog.get_logger()

FORMATS = {
    "argoverse2-sensor": "Argoverse 2 sensor log: a folder with city_SE3_egovehicle.feather and annotations*.feather",
    "argoverse2-motion": "Argoverse 2 motion forecasting: scenario_*.parquet",
    "scenarionet": "ScenarioNet (nuScenes, Waymo, nuPlan ...): *.pkl",
    "commonroad": "CommonRoad 2018b or 2020a: *.xml",
}
"""What is looked for, by `Drive.source`."""

_SENSOR_LOG = "city_SE3_egovehicle.feather"
_INDEXES = {"dataset_summary.pkl", "dataset_mapping.pkl"}  # ScenarioNet's tables of contents

Found = tuple[Callable[[Path], Drive], Path]


def open_drives(path: str | os.PathLike[str]) -> list[Drive]:
    """The drives in a file, a log's folder, or a folder with any number of either, ordered by path.

    A file that looks like one of FORMATS and cannot be read as it raises CorruptDrive, also in a folder of good ones;
    NoDrives where nothing looks like one.
    """
    place = Path(path)
    found = [*_found(place)] if place.exists() else []
    if not found:
        raise NoDrives(place, tuple(FORMATS.values()))
    drives = [read(where) for read, where in found]
    log.info("drives_opened", place=str(place), drives=len(drives), moments=sum(len(drive.x_m) for drive in drives))
    return drives


def _found(place: Path) -> Iterator[Found]:
    if place.is_file():
        log_folder = place.suffix == ".feather" and (place.parent / _SENSOR_LOG).exists()
        if log_folder:
            yield argoverse2.read_sensor_log, place.parent
        else:
            yield from _reader(place)
        return
    for folder, below, files in os.walk(place):
        below.sort()
        if _SENSOR_LOG in files:
            below.clear()  # maps and sensors of the log
            yield argoverse2.read_sensor_log, Path(folder)
            continue
        for name in sorted(files):
            if name not in _INDEXES:
                yield from _reader(Path(folder) / name)


def _reader(file: Path) -> Iterator[Found]:
    if file.suffix == ".pkl":
        yield scenarionet.read_scenario, file
    elif file.suffix == ".xml":
        yield commonroad.read_scenario, file
    elif file.suffix == ".parquet" and file.name.startswith("scenario_"):
        yield argoverse2.read_motion_scenario, file
