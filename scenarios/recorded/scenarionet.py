"""ScenarioNet: one pickle a drive, of whatever data set it was converted from; nuScenes is the one tried.

A position is the middle of a box, z too, in the data set's map frame. Of nuScenes the ego is the exception: its
position is the rear axle put down on the road, z = 0 for lack of anything better, and pitch and roll are lost.
"""

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.recorded.drive import Drive, Floats, Line, RoadLine, RoadMap
from scenarios.recorded.kinds import NUSCENES, SCENARIONET, USUAL_SIZE, kind_of
from scenarios.recorded.pickles import numbers, read_plain_pickle
from scenarios.recorded.recording import Recording, Tracks, level, map_line, neutral, reading, strip

NUSCENES_ORIGIN = {
    "boston-seaport": (42.336849169438615, -71.05785369873047),
    "singapore-onenorth": (1.2882100868743724, 103.78475189208984),
    "singapore-hollandvillage": (1.2993652317780957, 103.78217697143555),
    "singapore-queenstown": (1.2782562240223188, 103.76741409301758),
}
"""Latitude and longitude of the south-west corner of a nuScenes map, which is its frame's zero."""

LANE_WIDTH_M = 3.6
"""Of lanes that come as a middle line only."""

_EXPECTED = "a ScenarioNet scenario: a pickle of plain values with metadata, tracks, map_features"


def read_scenario(file: Path) -> Drive:
    """A ScenarioNet pickle. CorruptDrive for anything else, also for a pickle that asks for more than plain values."""
    with reading(file, _EXPECTED):
        whole = read_plain_pickle(file)
        if not isinstance(whole, dict) or not {"metadata", "tracks"} <= whole.keys():
            raise ValueError("a pickle without metadata and tracks")
        return neutral(_recording(whole, file.stem))


def _recording(whole: dict[str, Any], stem: str) -> Recording:
    about, tracks = whole["metadata"], whole["tracks"]
    own = about["sdc_id"]
    times_us = _clock(about, tracks[own])
    driven = np.flatnonzero(numbers(tracks[own]["state"]["valid"]).ravel() > 0)
    if len(driven) < 2:
        raise ValueError("an ego that is nowhere")
    span = slice(int(driven[0]), int(driven[-1]) + 1)
    ego, yaw = _ego(tracks[own]["state"], times_us, driven, is_nuscenes=about.get("dataset") == "nuscenes")
    said = str(about.get("description") or "")
    words = set(re.findall(r"[a-z]+", said.lower()))
    return Recording(
        name=str(whole.get("id", stem)),
        source="scenarionet",
        timestamps_us=times_us[span],
        ego_m=ego[span],
        yaw_rad=yaw[span],
        up=level(span.stop - span.start),
        tracks=_tracks({key: track for key, track in tracks.items() if key != own}, span),
        roads=_roads(whole.get("map_features") or {}),
        origin=NUSCENES_ORIGIN.get(str(about.get("map"))),
        is_night="night" in words if words else None,
        weather=said or None,
    )


def _clock(about: dict[str, Any], ego: dict[str, Any]) -> NDArray[np.int64]:
    moments = len(numbers(ego["state"]["position"]))
    step_s = float(about.get("sample_rate", 0.1))
    seconds = numbers(about["ts"]).ravel() if "ts" in about else np.arange(moments) * step_s
    if len(seconds) != moments or not np.all(np.abs(seconds) < 1e11):
        raise ValueError(f"{len(seconds)} good timestamps for {moments} places of the ego")
    return np.rint(seconds * 1e6).astype(np.int64)


def _ego(
    state: dict[str, Any], times_us: NDArray[np.int64], driven: NDArray[np.int64], *, is_nuscenes: bool
) -> tuple[Floats, Floats]:
    """Road under the ego (T, 3) and yaw (T,), gaps filled in."""
    place, yaw = _places(state, len(times_us)), numbers(state["heading"]).ravel()
    if not is_nuscenes and place[driven, 2].any():
        place[:, 2] -= _sizes(state, driven)[2] / 2
    known = times_us[driven]
    filled = [np.interp(times_us, known, place[driven, axis]) for axis in range(3)]
    return np.stack(filled, axis=1), np.interp(times_us, known, np.unwrap(yaw[driven]))


def _places(state: dict[str, Any], moments: int) -> Floats:
    place = numbers(state["position"])
    if place.ndim != 2 or len(place) != moments or place.shape[1] not in {2, 3}:
        raise ValueError(f"a position of shape {place.shape} where ({moments}, 3) was expected")
    return np.hstack([place, np.zeros((moments, 3 - place.shape[1]))])


def _sizes(state: dict[str, Any], there: NDArray[np.int64]) -> Floats:
    """(3,) length, width, height: medians over the moments it is there; 0 where the log has none."""
    sides = [numbers(state.get(side, 0.0)).ravel() for side in ("length", "width", "height")]
    return np.array([float(np.median(side[there] if len(side) > 1 else side)) for side in sides])


def _tracks(tracks: dict[str, Any], span: slice) -> Tracks:
    moments = span.stop - span.start
    kinds, sizes, middles, yaws, valids = [], [], [], [], []
    for track in tracks.values():
        state = track["state"]
        valid = numbers(state["valid"]).ravel()[span] > 0
        if len(valid) != moments:
            raise ValueError("tracks of different length")
        category = str((track.get("metadata") or {}).get("type", ""))
        kind = kind_of(category, NUSCENES) if "." in category else kind_of(str(track["type"]), SCENARIONET)
        told = _sizes(state, np.flatnonzero(valid) + span.start) if valid.any() else np.zeros(3)
        size = np.where(told > 0, told, USUAL_SIZE[kind])
        middle = _places(state, len(numbers(state["position"])))[span]
        if middle[valid, 2].any():
            middle[:, 2] -= size[2] / 2
        kinds.append(kind)
        sizes.append(size)
        middles.append(middle)
        yaws.append(numbers(state["heading"]).ravel()[span])
        valids.append(valid)
    return Tracks(
        ids=tuple(map(str, tracks)),
        kinds=kinds,
        size_m=np.array(sizes).reshape(-1, 3),
        clearance_m=np.zeros(len(kinds)),
        middle_m=np.stack(middles, axis=1) if middles else np.zeros((moments, 0, 3)),
        yaw_rad=np.stack(yaws, axis=1) if yaws else np.zeros((moments, 0)),
        valid=np.stack(valids, axis=1) if valids else np.zeros((moments, 0), bool),
    )


def _roads(features: dict[str, Any]) -> RoadMap:
    lanes: list[Line] = []
    lines: list[RoadLine] = []
    crosswalks: list[Line] = []
    surfaces: list[tuple[Line, ...]] = []
    borders: list[Line] = []
    for key, feature in features.items():
        sort = str(feature["type"])
        if sort.startswith("LANE"):
            middle = _line(feature["polyline"])
            lanes += [middle] if "BIKE" not in sort else []
            surfaces.append((_surface(feature, middle),))
        elif sort == "CROSSWALK":
            crosswalks.append(_line(feature["polygon"]))
        elif sort == "DRIVEWAY":
            surfaces.append((_line(feature["polygon"]),))
        elif str(key).startswith("boundary"):
            borders.append(_line(feature["polyline"]))
        elif sort.startswith("ROAD_LINE"):
            lines.append(_painted(feature, sort))
    area = tuple(ring for ring in borders if len(ring) > 3 and np.allclose(ring[0], ring[-1]))
    return RoadMap(tuple(lanes), tuple(lines), tuple(crosswalks), ((area,) if area else ()) + tuple(surfaces))


def _surface(feature: dict[str, Any], middle: Line) -> Line:
    ring = feature.get("polygon")
    return strip(middle, LANE_WIDTH_M) if ring is None or len(numbers(ring)) < 3 else _line(ring)


def _painted(feature: dict[str, Any], sort: str) -> RoadLine:
    colour: Literal["white", "yellow"] = "yellow" if "YELLOW" in sort else "white"
    return RoadLine(_line(feature["polyline"]), "dashed" if "BROKEN" in sort else "solid", colour)


def _line(value: object) -> Line:
    return map_line(numbers(value))
