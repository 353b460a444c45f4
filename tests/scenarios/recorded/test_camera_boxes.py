"""Real labelled boxes on the real pixels they are labelled on; skipped where the data is absent."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from camera_boxes import CORNERS, labelled, overlap, rectangle
from scenarios.cameras import Camera


def test_a_rectangle_is_what_the_image_shows_of_a_box() -> None:
    camera = Camera("main", 0.0, 0.0, 1.5, 0.0, 90.0)  # 48 pixels of focal length
    box = CORNERS * (2.0, 4.0, 1.0) + (11.0, 0.0, 1.0)
    assert rectangle(camera, box) == pytest.approx([48 - 9.6, 28.8, 48 + 9.6, 28.8 + 4.8])
    assert rectangle(camera, box * (-1.0, 1.0, 1.0)) is None
    left, _, right, _ = rectangle(camera, CORNERS * (2.0, 4.0, 1.0) + (3.0, 4.0, 1.0))
    assert left < 1.0
    assert right == pytest.approx(48 - 24.0)


def test_rectangles_overlap_by_the_share_of_what_they_cover_together() -> None:
    assert overlap(np.array([0.0, 0, 2, 2]), np.array([1.0, 0, 3, 2])) == pytest.approx(1 / 3)
    assert overlap(np.array([0.0, 0, 2, 2]), np.array([5.0, 5, 6, 6])) == 0.0


def test_boxes_of_newer_kitti_files_are_read_as_they_are_written(tmp_path: Path) -> None:
    """A car that drives ahead, 2 m wide and 1.5 m high, whose nearest end is 8 m before the camera."""
    laser = [[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    lens = [[500.0, 0, 319.5, 0], [0, 500.0, 199.5, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    image = {"cam2img": lens, "lidar2cam": laser, "height": 400, "width": 640}
    label = {"bbox_3d": [0.0, 1.5, 10.0, 4.0, 1.5, 2.0, -np.pi / 2], "bbox": [257.0, 199.5, 382.0, 293.25]}
    nobody = {"bbox_3d": [-1000.0] * 3 + [-1.0] * 3 + [-10.0], "bbox": [0.0, 0.0, 9.0, 9.0]}
    frame = {"images": {"CAM2": image, "R0_rect": laser}, "instances": [label, nobody]}
    file = tmp_path / "infos.pkl"
    file.write_bytes(pickle.dumps({"data_list": [frame]}))
    (labels,) = labelled(file)
    assert labels.overlaps == pytest.approx([1.0])


def test_labelled_boxes_cover_the_pixels_they_are_labelled_on_in_every_camera(camera_boxes: Path) -> None:
    seen = {}
    for file in sorted(camera_boxes.rglob("*.pkl")):
        for labels in labelled(file):
            seen[labels.data, labels.camera.name] = labels.overlaps
    assert {"kitti", "nuscenes"} == {data for data, _ in seen}
    assert len(seen) >= 7
    for overlaps in seen.values():
        assert np.median(overlaps) >= 0.95
        assert overlaps.min() >= 0.85
