"""Scene-0061 at its first moment: labelled vehicles in the photographs, and where we paint them."""

from pathlib import Path

from beside_photographs import Moment


def test_every_labelled_vehicle_within_60_m_is_painted_in_its_camera_at_its_place(
    camera_boxes: Path, nuscenes_logs: Path
) -> None:
    frame = next(camera_boxes.glob("nuscenes_scene-0061_frame0/*.pkl"))
    moment = Moment(frame, nuscenes_logs / "sd_nuscenes_v1.0-mini_scene-0061.pkl")
    vehicles = moment.vehicles()
    assert len(vehicles) == 8
    assert {each.camera for each in vehicles} == {"CAM_FRONT", "CAM_FRONT_LEFT", "CAM_BACK"}
    for each in vehicles:
        assert each.iou >= 0.85, each
        assert each.visible >= 0.4, each
