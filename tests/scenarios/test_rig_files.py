from dataclasses import fields
from pathlib import Path

import pytest

from scenarios import open_world
from scenarios.cameras import EIGHT_CAMERAS, load_rig, rig_names, rig_yaml
from scenarios.cameras.files import RIGS
from scenarios.errors import BadWorld, TiltedCamera, UnknownRig

TEXT = (RIGS / "eight_cameras.yaml").read_text()
WORLD = (RIGS.parent / "catalog" / "sunny_city.yaml").read_text()


@pytest.mark.parametrize("name", rig_names())
def test_every_shipped_rig_is_read_back_from_what_is_written_of_it(name: str, tmp_path: Path) -> None:
    rig, file = load_rig(name), tmp_path / "again.yaml"
    file.write_text(rig_yaml(rig, "the same"))
    again = load_rig(file)
    for camera, read in zip(rig.cameras, again.cameras, strict=True):
        for each in fields(camera):
            value = getattr(camera, each.name)
            close = value if isinstance(value, str) else pytest.approx(value)
            assert getattr(read, each.name) == close


def test_the_eight_cameras_have_the_text_that_fingerprints_of_worlds_are_made_of() -> None:
    main = (
        "Camera(name='main', x_m=1.6, y_m=0.05, z_m=1.45, yaw_deg=0.0, fov_deg=52.0, height=64, width=96, horizon=0.45)"
    )
    assert str(EIGHT_CAMERAS).startswith(f"Rig(cameras=({main}, ")
    assert EIGHT_CAMERAS.is_level
    assert "pitch_deg=-4.0" in str(load_rig("six_tilted"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fov_deg: 52", "fov_dgr: 52", "line7: cameras.main.fov_dgr: unknown field; did you mean 'fov_deg'"),
        ("x_m: 1.6, y_m: 0,", "y_m: 0,", "line8: cameras.narrow.x_m: Field required"),
        ("fov_deg: 118", "fov_deg: 218", "line9: cameras.wide.fov_deg: Input should be less than 170"),
        (", fov_deg: 52", "", "line7: cameras.main: say fov_deg, or fx_px, fy_px, cx_px and cy_px"),
        ("fov_deg: 52", "fov_deg: 52, fx_px: 60", "line7: cameras.main: say fx_px, fy_px, cx_px and cy_px, all four"),
        ("fov_deg: 52", "fx_px: 60, fy_px: 60", "line7: cameras.main: say fx_px, fy_px, cx_px and cy_px, all four"),
        ("fov_deg: 52", "fov_deg: 52, distortion: [0.1]", "line7: cameras.main.distortion.1: Field required"),
        ("z_m: 0.95", "z_m: -1", "line12: cameras.left_repeater.z_m: Input should be greater than 0"),
        ("height: 64", "height: 4", "line3: height: Input should be greater than or equal to 8"),
        ("  wide:", "  main:", "line9: cameras.main: said twice; first on line 7"),
        ("  wide:", "  my wide:", "line9: cameras.my wide: String should match"),
        ("x_m: 1.3", "x_m: .nan", "cameras.left_repeater.x_m: Input should be a finite number"),
        (TEXT, "height: 64", ": cameras: Field required"),
        (TEXT, "height: 64\ncameras: {}", "line2: cameras: Dictionary should have at least 1 item"),
    ],
)
def test_a_bad_rig_is_told_by_line_and_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    assert old in TEXT
    file.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(BadWorld) as caught:
        load_rig(file)
    assert message in str(caught.value).replace(f"{file}:", "line").replace("line cam", ": cam")


def test_an_unknown_rig_says_which_was_probably_meant_and_how_to_make_one() -> None:
    with pytest.raises(UnknownRig, match="unknown rig 'eight_camera'; did you mean 'eight_cameras'"):
        load_rig("eight_camera")
    with pytest.raises(UnknownRig, match="outrider world rig"):
        load_rig("argoverse2")


def test_a_world_says_its_rig_and_a_caller_or_a_plan_another(tmp_path: Path) -> None:
    file = tmp_path / "tilted_city.yaml"
    file.write_text(f"{WORLD}\nrig: mine.yaml\n")
    (tmp_path / "mine.yaml").write_text((RIGS / "six_tilted.yaml").read_text())
    said = open_world(str(file), seed=1, cars=1, compiled=False)
    asked = open_world("sunny_city", seed=1, cars=1, compiled=False, rig="six_tilted")
    given = open_world("sunny_city", seed=1, cars=1, compiled=False, rig=load_rig("six_tilted"))
    usual = open_world("sunny_city", seed=1, cars=1, compiled=False)
    assert said.rig == asked.rig == given.rig == load_rig("six_tilted")
    assert asked.fingerprint == given.fingerprint != usual.fingerprint
    assert usual.rig == EIGHT_CAMERAS


@pytest.mark.parametrize(
    ("rig", "message"), [("six_tiltd", "rig: .*did you mean 'six_tilted'"), ("no.yaml", "no file")]
)
def test_a_rig_that_is_not_there_is_told_with_the_world(rig: str, message: str) -> None:
    with pytest.raises(BadWorld, match=message):
        open_world("sunny_city", seed=1, cars=1, compiled=False, rig=rig)


def test_a_camera_that_looks_at_the_sky_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sky.yaml"
    file.write_text(TEXT.replace("fov_deg: 52", "fov_deg: 52, pitch_deg: 70"))
    with pytest.raises(TiltedCamera, match="camera 'main' sees further than 75 degrees up"):
        open_world("sunny_city", seed=1, cars=1, compiled=False, rig=str(file))
