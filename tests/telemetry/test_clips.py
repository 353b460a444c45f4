import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import Writer
from mcap_protobuf.decoder import DecoderFactory
from wire_samples import a_clip

from telemetry.clip import Clip
from telemetry.clip_topics import TICK_NS, to_mcap
from telemetry.clips import read_clip, write_clip
from telemetry.errors import MalformedClip

PIXELS = np.arange(64 * 96 * 3, dtype=np.uint32).astype(np.uint8).reshape(64, 96, 3)
JPEG = simplejpeg.encode_jpeg(PIXELS, quality=90, colorspace="RGB", colorsubsampling="420")
CAMERA = {"fov_deg": 60.0, "height": 64, "width": 96, "fx": 83.0, "fy": 83.0, "cx": 48.0, "cy": 32.0}
CLIP = a_clip(
    frames=[[JPEG, JPEG], [JPEG, b""]],
    calibration=[
        {"name": "main", "x_m": 1.5, "y_m": 0.0, "z_m": 1.4, "yaw_deg": 0.0, **CAMERA},
        {"name": "rear", "x_m": -1.0, "y_m": 0.0, "z_m": 1.0, "yaw_deg": 180.0, **CAMERA},
    ],
    poses=[
        {"x_m": 10.0, "y_m": 20.0, "heading_deg": 90.0, "latitude": 47.3, "longitude": 8.5},
        {"x_m": 11.0, "y_m": 20.0, "heading_deg": 0.0, "latitude": 47.3, "longitude": 8.6},
    ],
)
MAPPED = a_clip(top_down={"net": [b"\x89PNG0", b"\x89PNG1"], "a/b": [b"\x89PNG2", b"\x89PNG3"]})
EMPTY = a_clip(ticks=(), frames=[], poses=[], signals={}, percepts={}, shadows={})


def messages(raw: bytes, topic: str) -> list[Any]:
    """As any other reader sees them, checksums included."""
    reader = make_reader(io.BytesIO(raw), validate_crcs=True, decoder_factories=[DecoderFactory()])
    return [decoded for _, _, _, decoded in reader.iter_decoded_messages(topics=[topic])]


def raw_messages(raw: bytes, topic: str) -> list[tuple[int, bytes]]:
    reader = make_reader(io.BytesIO(raw), validate_crcs=True)
    return [(message.log_time, message.data) for _, _, message in reader.iter_messages(topics=[topic])]


def rotated(rotation: Any, vector: tuple[float, float, float]) -> np.ndarray:
    """A vector turned by a quaternion."""
    axis, v = np.array([rotation.x, rotation.y, rotation.z]), np.array(vector)
    return v + 2 * np.cross(axis, np.cross(axis, v) + rotation.w * v)


@pytest.fixture(name="file")
def a_file(tmp_path: Path) -> Path:
    write_clip(CLIP, tmp_path / "a.mcap")
    return tmp_path / "a.mcap"


@pytest.mark.parametrize("compression", ["none", "lz4"])
@pytest.mark.parametrize("clip", [CLIP, a_clip(), EMPTY, MAPPED])
def test_a_clip_is_read_as_it_was_written(tmp_path: Path, clip: Clip, compression: Any) -> None:
    write_clip(clip, tmp_path / "a.mcap", compression=compression)
    assert read_clip(tmp_path / "a.mcap") == clip


def test_the_same_clip_is_always_the_same_bytes() -> None:
    assert to_mcap(CLIP) == to_mcap(CLIP)


def test_a_clip_writes_and_reads_itself(tmp_path: Path) -> None:
    CLIP.write(tmp_path / "a.mcap")
    assert Clip.read(tmp_path / "a.mcap") == CLIP


def test_only_the_whole_file_ever_has_its_name(file: Path) -> None:
    assert list(file.parent.iterdir()) == [file]
    write_clip(a_clip(), file)
    assert read_clip(file) == a_clip()


def test_other_readers_find_the_pictures(file: Path) -> None:
    images = messages(file.read_bytes(), "/camera/main/image")
    assert [(image.format, image.frame_id, image.timestamp.seconds) for image in images] == [
        ("jpeg", "camera/main", 10)
    ] * 2
    assert simplejpeg.decode_jpeg(images[0].data).shape == PIXELS.shape
    assert len(messages(file.read_bytes(), "/camera/rear/image")) == 1


def test_other_readers_find_the_calibration(file: Path) -> None:
    (calibration,) = messages(file.read_bytes(), "/camera/rear/calibration")
    assert (calibration.width, calibration.height, list(calibration.K)) == (96, 64, [83, 0, 48, 0, 83, 32, 0, 0, 1])


def test_a_map_is_a_picture_in_the_frame_of_the_car() -> None:
    images = messages(to_mcap(MAPPED), "/top_down/net")
    assert [(image.format, image.frame_id, image.data) for image in images] == [
        ("png", "car", b"\x89PNG0"),
        ("png", "car", b"\x89PNG1"),
    ]
    assert len(messages(to_mcap(MAPPED), "/top_down/a%2Fb")) == 2


def test_a_camera_looks_along_its_z_axis(file: Path) -> None:
    _, main, rear = messages(file.read_bytes(), "/tf")[0].transforms
    assert (main.parent_frame_id, main.child_frame_id) == ("car", "camera/main")
    assert rotated(main.rotation, (0, 0, 1)) == pytest.approx([1, 0, 0], abs=1e-9)
    assert rotated(main.rotation, (1, 0, 0)) == pytest.approx([0, -1, 0], abs=1e-9)
    assert rotated(rear.rotation, (0, 0, 1)) == pytest.approx([-1, 0, 0], abs=1e-9)


def test_a_tilted_camera_looks_where_it_is_turned_to() -> None:
    mounts = [
        CAMERA | {"name": "main", "pitch_deg": 30.0},
        CAMERA | {"name": "rear", "yaw_deg": 90.0, "roll_deg": 90.0},
    ]
    _, up, leaning = messages(to_mcap(a_clip(calibration=mounts)), "/tf")[0].transforms
    assert rotated(up.rotation, (0, 0, 1)) == pytest.approx([np.sqrt(0.75), 0, 0.5], abs=1e-9)
    assert rotated(leaning.rotation, (0, 0, 1)) == pytest.approx([0, 1, 0], abs=1e-9)
    assert rotated(leaning.rotation, (1, 0, 0)) == pytest.approx([0, 0, -1], abs=1e-9)  # its right is down


def test_a_lens_that_distorts_tells_other_readers_how() -> None:
    bent = CAMERA | {"k1": -0.25, "k2": -0.1, "k3": 0.2}
    clip = to_mcap(a_clip(calibration=[bent | {"name": "main"}, CAMERA | {"name": "rear"}]))
    told, plain = (messages(clip, f"/camera/{name}/calibration")[0] for name in ("main", "rear"))
    assert (told.distortion_model, list(told.D)) == ("plumb_bob", [-0.25, -0.1, 0, 0, 0.2])
    assert (plain.distortion_model, list(plain.D)) == ("", [])


def test_a_car_that_heads_east_faces_along_x_of_the_map(file: Path) -> None:
    east, north = (message.transforms[0] for message in messages(file.read_bytes(), "/tf"))
    assert (east.translation.x, east.translation.y) == (10, 20)
    assert rotated(east.rotation, (1, 0, 0)) == pytest.approx([1, 0, 0], abs=1e-9)
    assert rotated(north.rotation, (1, 0, 0)) == pytest.approx([0, 1, 0], abs=1e-9)


def test_other_readers_find_the_numbers(file: Path) -> None:
    raw = file.read_bytes()
    assert raw_messages(raw, "/telemetry")[1] == (101 * TICK_NS, b'{"Vehicle.Speed":null,"Vehicle.IsMoving":true}')
    assert raw_messages(raw, "/percepts/production/lead")[0][1] == b'{"outputs":[0.5,12.0]}'
    assert raw_messages(raw, "/shadow/candidate/lead")[1][1] == b'{"outputs":[0.75,11.5]}'
    assert raw_messages(raw, "/trigger")[0][1] == b'{"name":"surprise","version":3,"score":0.75,"priority":20}'
    assert messages(raw, "/location")[1].longitude == 8.6


def test_the_metadata_says_which_clip_it_is(file: Path) -> None:
    records = {record.name: record.metadata for record in make_reader(io.BytesIO(file.read_bytes())).iter_metadata()}
    said = records["clip"]
    assert [said[name] for name in ("id", "run", "car", "trigger", "complete")] == [
        CLIP.id, "city", "7", "surprise", "true",
    ]  # fmt: skip


def test_a_file_cut_short_anywhere_is_refused(file: Path) -> None:
    raw = file.read_bytes()
    for size in [*range(0, len(raw), 211), len(raw) - 1]:
        file.write_bytes(raw[:size])
        with pytest.raises(MalformedClip):
            read_clip(file)


@settings(deadline=None, max_examples=400)
@given(where=st.integers(0, 8 * len(to_mcap(CLIP)) - 1))
def test_a_flipped_bit_anywhere_is_noticed(tmp_path_factory: pytest.TempPathFactory, where: int) -> None:
    raw = bytearray(to_mcap(CLIP))
    raw[where // 8] ^= 1 << where % 8
    file = tmp_path_factory.getbasetemp() / "flipped.mcap"
    file.write_bytes(raw)
    with pytest.raises(MalformedClip):
        read_clip(file)


def test_a_missing_file_and_someone_elses_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedClip, match="No such file"):
        read_clip(tmp_path / "a.mcap")
    with (tmp_path / "b.mcap").open("wb") as stream:
        writer = Writer(stream, enable_data_crcs=True)
        writer.start()
        writer.finish()
    with pytest.raises(MalformedClip, match="not written by us"):
        read_clip(tmp_path / "b.mcap")


def test_any_clip_that_the_wire_takes_can_be_written(tmp_path: Path) -> None:
    odd = a_clip(
        ticks=(-(2**63), 2**63 - 1),
        cameras=("a/b", "a%2Fb"),
        calibration=[{"width": "wide", "fx": None, "height": -1e300}, {"width": 1e300, "yaw_deg": 1e300}],
        poses=[{"x_m": "east", "latitude": True, "longitude": "?"}, {"heading_deg": 1.7e308}],
        percepts={"a/b": [None, [True, "x"]]},
        shadows={"a/b": {"c": [1, 2]}, "a": {"b/c": [3, 4]}, "": {}},
    )
    write_clip(odd, tmp_path / "a.mcap")
    assert read_clip(tmp_path / "a.mcap") == odd


def test_numbers_of_numpy_are_written_as_numbers(tmp_path: Path) -> None:
    clip = a_clip(percepts={"lead": [np.float32([0.5, 12]), [np.float32(0.25), np.int64(11)]]})
    write_clip(clip, tmp_path / "a.mcap")
    assert read_clip(tmp_path / "a.mcap") == a_clip()
