"""A clip as the topics of an MCAP file, and back.

| topic                        | messages                   | is                                                     |
|------------------------------|----------------------------|--------------------------------------------------------|
| /camera/NAME/image           | foxglove.CompressedImage   | a JPEG a tick                                          |
| /camera/NAME/calibration     | foxglove.CameraCalibration | once                                                   |
| /top_down/VIEWER             | foxglove.CompressedImage   | a PNG a tick, what is ahead on top; a pixel is a cell  |
| /tf                          | foxglove.FrameTransforms   | a tick: map to car (x east, y north), car to cameras   |
| /location                    | foxglove.LocationFix       | a tick, where latitude and longitude are known         |
| /pose                        | JSON                       | a tick: the numbers behind /tf and /location           |
| /telemetry                   | JSON                       | a tick: a value a VSS path, null where not valid       |
| /percepts/production/TASK    | JSON                       | a tick: outputs of the network that drives             |
| /shadow/CANDIDATE/TASK       | JSON                       | a tick: outputs of a network that only watched         |
| /trigger                     | JSON                       | once, at the fire: name, version, score, priority      |

Times are nanoseconds since midnight of the plan's first day; a message's sequence number is the place of its tick in
the clip. A slash in a name is written %2F. The metadata record `clip` has all identifiers, the ticks,
the cameras, completeness and the hash over the pictures; the record `calibration` has the numbers of each camera. The
same clip is always the same bytes.
"""

import io
import json
import struct
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from google.protobuf.message import DecodeError, Message
from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer
from mcap_protobuf.schema import build_file_descriptor_set

from telemetry import foxglove, vss
from telemetry.clip import Clip, PerTick

TICK_NS = 100_000_000
"""A camera tick."""

NOT_OURS = (McapError, DecodeError, struct.error, LookupError, TypeError, ValueError)
"""What `from_mcap` raises for a file that someone else wrote."""

Compression = Literal["none", "lz4"]

_MAX_NS = 2**62
_WORDS = ("id", "run", "trigger")
_NUMBERS = ("car", "tick", "t_us", "version", "score", "priority", "complete", "ticks", "cameras")


def to_mcap(clip: Clip, *, compression: Compression = "none") -> bytes:
    """A clip as the bytes of an MCAP file; pictures do not compress, so chunks are not compressed unless asked."""
    buffer = io.BytesIO()
    kind = {"none": CompressionType.NONE, "lz4": CompressionType.LZ4}[compression]
    writer = Writer(buffer, compression=kind, enable_data_crcs=True)
    writer.start(profile="", library="outrider")
    _put_all(_Topics(writer), clip)
    writer.add_metadata("clip", _identifiers(clip))
    writer.add_metadata("calibration", {str(i): _json(numbers) for i, numbers in enumerate(clip.calibration)})
    writer.finish()  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def from_mcap(raw: bytes) -> Clip:
    """The clip in the bytes of an MCAP file that `to_mcap` made; of another's, raises one of `NOT_OURS`."""
    reader = make_reader(io.BytesIO(raw), validate_crcs=True)
    found = {record.name: record.metadata for record in reader.iter_metadata()}
    by_topic: dict[str, dict[int, bytes]] = defaultdict(dict)
    for _, channel, record in reader.iter_messages():
        by_topic[channel.topic][record.sequence] = record.data
    said, calibration = found["clip"], found["calibration"]
    names = {name: json.loads(said[name]) for name in ("signals", "percepts", "shadows")}
    told: dict[str, Any] = {name: said[name] for name in _WORDS} | {name: json.loads(said[name]) for name in _NUMBERS}
    told |= {"ticks": tuple(told["ticks"]), "cameras": tuple(told["cameras"])}
    rows = range(len(told["ticks"]))

    def series(topic: str, key: str) -> PerTick:
        return [json.loads(by_topic[topic][row])[key] for row in rows]

    clip = Clip(
        **told,
        frames=[[_picture(by_topic[_image_topic(name)], row) for name in told["cameras"]] for row in rows],
        top_down={
            name: [_picture(by_topic[_map_topic(name)], row) for row in rows]
            for name in json.loads(said.get("top_down", "[]"))
        },
        calibration=[json.loads(calibration[str(i)]) for i in range(len(calibration))],
        poses=[json.loads(by_topic["/pose"][row]) for row in rows],
        signals={path: series("/telemetry", path) for path in names["signals"]},
        percepts={task: series(_production_topic(task), "outputs") for task in names["percepts"]},
        shadows={
            candidate: {task: series(_shadow_topic(candidate, task), "outputs") for task in tasks}
            for candidate, tasks in names["shadows"].items()
        },
    )
    if clip.sha256 != said["sha256"]:
        raise ValueError("sha256 is not that of the pictures")
    return clip


class _Topics:
    """Channels of one file, made when first written to.

    row, now_ns: the place of the tick in the clip, and its time, of the messages that follow
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self.row = self.now_ns = 0

    def move(self, row: int, tick: int) -> None:
        """Go to a tick."""
        self.row, self.now_ns = row, min(max(tick * TICK_NS, 0), _MAX_NS)

    def put(self, topic: str, message: Message) -> None:
        """A protobuf message."""
        name = message.DESCRIPTOR.full_name
        if name not in self._schemas:
            files = build_file_descriptor_set(type(message)).SerializeToString(deterministic=True)
            self._schemas[name] = self._writer.register_schema(name, "protobuf", files)
        self._add(topic, "protobuf", name, message.SerializeToString(deterministic=True))

    def put_json(self, topic: str, schema: str, value: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        """A JSON object; `fields` says what its values are, in JSON Schema."""
        if schema not in self._schemas:
            described = _json({"title": schema, "type": "object", "properties": fields}).encode()
            self._schemas[schema] = self._writer.register_schema(schema, "jsonschema", described)
        self._add(topic, "json", schema, _json(value).encode())

    def _add(self, topic: str, encoding: str, schema: str, raw: bytes) -> None:
        if topic not in self._channels:
            self._channels[topic] = self._writer.register_channel(topic, encoding, self._schemas[schema])
        channel = self._channels[topic]
        self._writer.add_message(channel, self.now_ns, raw, publish_time=self.now_ns, sequence=self.row)


def _put_all(topics: _Topics, clip: Clip) -> None:
    topics.move(0, clip.ticks[0] if clip.ticks else clip.tick)
    for camera, numbers in zip(clip.cameras, clip.calibration, strict=True):
        topics.put(f"/camera/{_step(camera)}/calibration", foxglove.calibration(camera, numbers, topics.now_ns))
    for row, tick in enumerate(clip.ticks):
        topics.move(row, tick)
        _put_tick(topics, clip)
    topics.move(0, clip.tick)
    fired = {"name": clip.trigger, "version": clip.version, "score": clip.score, "priority": clip.priority}
    topics.put_json("/trigger", "outrider.Trigger", fired, {name: {"type": _type(fired[name])} for name in fired})


def _put_tick(topics: _Topics, clip: Clip) -> None:
    for camera, picture in zip(clip.cameras, clip.frames[topics.row], strict=True):
        if picture:
            topics.put(_image_topic(camera), foxglove.image(foxglove.frame_of(camera), picture, topics.now_ns))
    for viewer, maps in clip.top_down.items():
        topics.put(_map_topic(viewer), foxglove.image("car", maps[topics.row], topics.now_ns, "png"))
    pose = clip.poses[topics.row]
    topics.put("/tf", foxglove.transforms(clip, pose, topics.now_ns))
    if pose.get("latitude") is not None and pose.get("longitude") is not None:
        topics.put("/location", foxglove.location(pose, topics.now_ns))
    topics.put_json("/pose", "outrider.Pose", pose, {name: {"type": "number"} for name in pose})
    signals = {path: values[topics.row] for path, values in clip.signals.items()}
    topics.put_json("/telemetry", "outrider.Telemetry", signals, {path: _described(path) for path in signals})
    for topic, values in _outputs(clip).items():
        topics.put_json(topic, "outrider.Outputs", {"outputs": values[topics.row]}, {"outputs": {}})


def _outputs(clip: Clip) -> dict[str, PerTick]:
    """What networks said, by topic."""
    found = {_production_topic(task): values for task, values in clip.percepts.items()}
    for candidate, tasks in clip.shadows.items():
        found |= {_shadow_topic(candidate, task): values for task, values in tasks.items()}
    return found


def _described(path: str) -> dict[str, object]:
    """A signal in JSON Schema."""
    signal = vss.SIGNALS.get(path)
    if signal is None:
        return {}
    kind = signal.datatype if signal.datatype in {"boolean", "string"} else "number"
    return {"type": [kind, "null"], "description": f"{signal.says} {signal.unit}".strip()}


def _type(value: object) -> str:
    return "string" if isinstance(value, str) else "number"


def _image_topic(camera: str) -> str:
    return f"/camera/{_step(camera)}/image"


def _map_topic(viewer: str) -> str:
    return f"/top_down/{_step(viewer)}"


def _production_topic(task: str) -> str:
    return f"/percepts/production/{_step(task)}"


def _shadow_topic(candidate: str, task: str) -> str:
    return f"/shadow/{_step(candidate)}/{_step(task)}"


def _step(name: str) -> str:
    """A name as one step of a topic, so that no two topics fall together."""
    return name.replace("%", "%25").replace("/", "%2F")


def _identifiers(clip: Clip) -> dict[str, str]:
    words = {name: getattr(clip, name) for name in (*_WORDS, "sha256")}
    numbers = {name: _json(getattr(clip, name)) for name in _NUMBERS}
    names = {"signals": _json(list(clip.signals)), "percepts": _json(list(clip.percepts))}
    shadows = {candidate: list(tasks) for candidate, tasks in clip.shadows.items()}
    return words | numbers | names | {"shadows": _json(shadows), "top_down": _json(list(clip.top_down))}


def _json(value: object) -> str:
    return json.dumps(value, default=_plain, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no form in a clip")


def _picture(images: Mapping[int, bytes], row: int) -> bytes:
    return foxglove.picture_of(images[row]) if row in images else b""
