"""CommonRoad: XML of 2018b and 2020a, recorded traffic on lanelets.

No car of such a file recorded it, so one of the recorded cars becomes the ego: the one that is there longest, and of
equals the first in the file. An obstacle's position is the middle of its box; there are no heights.
"""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Literal, NoReturn
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from scenarios.recorded.drive import Drive, Line, RoadLine, RoadMap
from scenarios.recorded.kinds import COMMONROAD, USUAL_SIZE, kind_of
from scenarios.recorded.recording import Recording, Tracks, level, map_line, middle_line, neutral, pack, reading

_EXPECTED = "a CommonRoad scenario (XML 2018b or 2020a) with lanelets and at least one moving car"
_CARS = {"car", "taxi", "priorityVehicle"}
_UNDRIVEN = {"sidewalk", "crosswalk", "bicycleLane", "border"}

Element = ET.Element
State = tuple[int, float, float, float]
"""Time step, x, y, orientation."""


def read_scenario(file: Path) -> Drive:
    """A CommonRoad file. CorruptDrive for anything else, also for XML with a document type or entities."""
    with reading(file, _EXPECTED):
        root = _parsed(file.read_bytes())
        if root.tag != "commonRoad":
            raise ValueError(f"XML about {root.tag!r}")
        return neutral(_recording(root, file.stem))


def _parsed(text: bytes) -> Element:
    def refuse(*_: object) -> NoReturn:
        raise ValueError("XML with a document type, which could make it read or fill anything")

    guard = expat.ParserCreate()
    guard.StartDoctypeDeclHandler = refuse  # called before anything of it is read
    guard.EntityDeclHandler = refuse
    try:
        guard.Parse(text, True)
    except expat.ExpatError as error:
        raise ValueError(f"not XML: {error}") from error
    return ET.fromstring(text)  # noqa: S314 - guarded above


def _recording(root: Element, stem: str) -> Recording:
    step_us = round(float(root.get("timeStepSize", "0.1")) * 1e6)
    found = [(obstacle, _states(obstacle)) for obstacle in root if _is_obstacle(obstacle)]
    own = _ego(found)
    _, driven = found.pop(own)
    steps = np.array(sorted({state[0] for state in driven}))
    ego = np.array([{state[0]: state for state in driven}[step] for step in steps], np.float64)
    return Recording(
        name=root.get("benchmarkID", stem),
        source="commonroad",
        timestamps_us=steps * step_us,
        ego_m=np.column_stack([ego[:, 1:3], np.zeros(len(ego))]),
        yaw_rad=np.unwrap(ego[:, 3]),
        up=level(len(steps)),
        tracks=_tracks(found, [int(step) for step in steps]),
        roads=_roads(root),
        origin=_origin(root),
    )


def _is_obstacle(element: Element) -> bool:
    return element.tag in {"obstacle", "dynamicObstacle", "staticObstacle"}


def _is_fixed(obstacle: Element) -> bool:
    return obstacle.tag == "staticObstacle" or obstacle.findtext("role", "").strip() == "static"


def _ego(found: list[tuple[Element, list[State]]]) -> int:
    lengths = [
        len(states) if obstacle.findtext("type", "").strip() in _CARS and not _is_fixed(obstacle) else 0
        for obstacle, states in found
    ]
    if not lengths or max(lengths) < 2:
        raise ValueError("no car with a recorded path")
    return lengths.index(max(lengths))


def _states(obstacle: Element) -> list[State]:
    listed = [obstacle.find("initialState"), *obstacle.findall("trajectory/state")]
    return [_state(element) for element in listed if element is not None]


def _state(element: Element) -> State:
    place = element.find("position/point")
    if place is None:
        place = element.find("position//center")
    if place is None:
        raise ValueError("a state without a position")
    return (round(_value(element, "time")), *_point(place), _value(element, "orientation"))


def _value(element: Element, name: str) -> float:
    """A number given exactly, or the middle of an interval."""
    exact = element.findtext(f"{name}/exact")
    if exact is not None:
        return float(exact)
    ends = element.findtext(f"{name}/intervalStart"), element.findtext(f"{name}/intervalEnd")
    if ends[0] is None or ends[1] is None:
        raise ValueError(f"a state without {name}")
    return (float(ends[0]) + float(ends[1])) / 2


def _point(element: Element) -> tuple[float, float]:
    x, y = element.findtext("x"), element.findtext("y")
    if x is None or y is None:
        raise ValueError("a point without x or y")
    return float(x), float(y)


def _tracks(found: list[tuple[Element, list[State]]], steps: list[int]) -> Tracks:
    row_of = {step: row for row, step in enumerate(steps)}
    kinds = [kind_of(obstacle.findtext("type", "").strip(), COMMONROAD) for obstacle, _ in found]
    rows: list[tuple[int, int, float, float, float]] = []
    for agent, (obstacle, states) in enumerate(found):
        if _is_fixed(obstacle):
            states = [(step, *states[0][1:]) for step in steps] if states else []  # noqa: PLW2901 - stands there always
        rows += [(row_of[step], agent, x, y, yaw) for step, x, y, yaw in states if step in row_of]
    table = np.array(rows, np.float64).reshape(-1, 5)
    when, who = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    (x, y, yaw), valid = pack(when, who, len(steps), len(found), [table[:, column] for column in (2, 3, 4)])
    return Tracks(
        ids=tuple(obstacle.get("id", "") for obstacle, _ in found),
        kinds=kinds,
        size_m=np.array([_size(obstacle, kind) for (obstacle, _), kind in zip(found, kinds, strict=True)]).reshape(
            -1, 3
        ),
        clearance_m=np.zeros(len(found)),
        middle_m=np.stack([x, y, np.zeros_like(x)], axis=-1),
        yaw_rad=yaw,
        valid=valid,
    )


def _size(obstacle: Element, kind: str) -> tuple[float, float, float]:
    """Length, width, height: of the shape's rectangle, circle or polygon; heights are never told."""
    usual = USUAL_SIZE[kind]
    box, circle, corners = (obstacle.find(f"shape/{form}") for form in ("rectangle", "circle", "polygon"))
    if box is not None:
        return float(box.findtext("length", "nan")), float(box.findtext("width", "nan")), usual[2]
    if circle is not None:
        return 2 * float(circle.findtext("radius", "nan")), 2 * float(circle.findtext("radius", "nan")), usual[2]
    if corners is not None:
        span = np.ptp(np.array([_point(point) for point in corners.findall("point")]), axis=0)
        return float(span[0]), float(span[1]), usual[2]
    return usual


def _roads(root: Element) -> RoadMap:
    driven, crosswalks = [], []
    for lanelet in root.findall("lanelet"):
        left, right = _bound(lanelet, "leftBound"), _bound(lanelet, "rightBound")
        sorts = {element.text for element in lanelet.findall("laneletType")}
        if "crosswalk" in sorts:
            crosswalks.append(_ring(left, right))
        elif not sorts & _UNDRIVEN:
            driven.append((lanelet, left, right))
    rings = [_ring(left, right) for _, left, right in driven]
    middles = [middle_line(left, right) for _, left, right in driven]
    lines = [
        line
        for number, (lanelet, left, right) in enumerate(driven)
        for line in (_painted(lanelet, left, "Left") + _painted(lanelet, right, "Right"))
        if _is_marked(lanelet) or not _is_overlapped(number, middles[number], rings)
    ]
    return RoadMap(tuple(middles), tuple(lines), tuple(crosswalks), tuple((ring,) for ring in rings))


def _ring(left: Line, right: Line) -> Line:
    return np.concatenate([left, right[::-1]])


def _bound(lanelet: Element, name: str) -> Line:
    return map_line([_point(point) for point in lanelet.findall(f"{name}/point")])


def _is_marked(lanelet: Element) -> bool:
    return lanelet.find("leftBound/lineMarking") is not None or lanelet.find("rightBound/lineMarking") is not None


def _is_overlapped(number: int, middle: Line, rings: list[Line]) -> bool:
    """Whether a lanelet runs through another one, as on a junction, where nothing is painted."""
    inner = middle[1:-1] if len(middle) > 2 else middle.mean(0, keepdims=True)
    return any(_inside(inner, ring).any() for other, ring in enumerate(rings) if other != number)


def _inside(points: Line, ring: Line) -> NDArray[np.bool_]:
    """(P,) which points lie inside a ring: an odd number of its edges is to the east of them."""
    start, end = ring, np.roll(ring, -1, axis=0)
    x, y = points[:, :1], points[:, 1:]
    spans = (start[:, 1] > y) != (end[:, 1] > y)  # (P, edges)
    rise = np.where(end[:, 1] == start[:, 1], 1.0, end[:, 1] - start[:, 1])
    crossing = start[:, 0] + (y - start[:, 1]) / rise * (end[:, 0] - start[:, 0])
    return np.asarray((spans & (crossing > x)).sum(axis=1) % 2 == 1)


def _painted(lanelet: Element, bound: Line, side: Literal["Left", "Right"]) -> list[RoadLine]:
    """The line on a bound: as marked, or, in files without markings (2018b), as the neighbour suggests."""
    mark = lanelet.findtext(f"{side.lower()}Bound/lineMarking", "").strip()
    neighbour = lanelet.find(f"adjacent{side}")
    if mark in {"no_marking", "unknown"}:
        return []
    if mark or neighbour is None:
        return [RoadLine(bound, "dashed" if "dashed" in mark else "solid")]
    return [RoadLine(bound, "dashed") if neighbour.get("drivingDir") == "same" else RoadLine(bound, "solid", "yellow")]


def _origin(root: Element) -> tuple[float, float] | None:
    """Latitude and longitude; CommonRoad writes 999 for unknown."""
    latitude, longitude = root.findtext("location/gpsLatitude"), root.findtext("location/gpsLongitude")
    if latitude is None or longitude is None or abs(float(latitude)) > 90 or abs(float(longitude)) > 180:
        return None
    return float(latitude), float(longitude)
