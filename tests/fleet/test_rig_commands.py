"""`outrider world rig`, and what a run says of a rig that its networks are not made for."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pytest
from typer.testing import CliRunner, Result

from fleet.cli.main import build
from fleet.errors import root_errors
from fleet.plan import RunPlan
from fleet.simulation.equipment import equip
from scenarios import ScenarioError, cameras, open_world
from vehicle import VehicleError

LENS = {"fx_px": 500.0, "fy_px": 500.0, "cx_px": 319.5, "cy_px": 199.5, "k1": -0.2, "k2": 0.05, "k3": 0.0}
POSE = {"qw": 0.5, "qx": -0.5, "qy": 0.5, "qz": -0.5, "tx_m": 1.0, "ty_m": 0.0, "tz_m": 1.2}


def outrider(*words: object) -> Result:
    return CliRunner().invoke(build(), list(map(str, words)))


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    """Of a camera that looks ahead, as Argoverse 2 writes one."""
    lens = {"sensor_name": "ahead", **LENS, "height_px": 400, "width_px": 640}
    pa.feather.write_feather(pa.Table.from_pylist([lens]), tmp_path / "intrinsics.feather")
    pose = {"sensor_name": "ahead", **POSE}
    pa.feather.write_feather(pa.Table.from_pylist([pose]), tmp_path / "egovehicle_SE3_sensor.feather")
    return tmp_path


def test_the_rigs_that_ship_are_listed() -> None:
    found = json.loads(outrider("world", "rig", "list", "--json").stdout)["rigs"]
    assert set(found) == set(cameras.rig_names())
    assert found["eight_cameras"]["cameras"] == list(open_world("sunny_city", seed=1, cars=1, compiled=False).rig.names)
    assert "six_tilted" in outrider("world", "rig", "list").stdout


def test_the_calibration_of_a_recording_becomes_a_rig_that_worlds_open(calibration: Path) -> None:
    file = calibration / "mine.yaml"
    told = json.loads(outrider("world", "rig", "import", calibration, "--out", file, "--width", 64, "--json").stdout)
    assert told == {"rig": str(file), "cameras": ["ahead"], "height": 40, "width": 64, "level": False}
    world = open_world("sunny_city", seed=1, cars=1, compiled=False, rig=str(file))
    assert world.frames([0], 600 * 600).pixels.shape == (1, 1, 3, 40, 64)
    (camera,) = world.rig.cameras
    assert camera.fx == pytest.approx(50.0)
    assert (camera.yaw_deg, camera.z_m) == pytest.approx((0.0, 1.53))


def test_a_rig_is_never_written_over_another_nor_into_what_worlds_cannot_name(calibration: Path) -> None:
    for name, problem in (("mine.yaml", "is there already"), ("mine.txt", "should end in .yaml")):
        (calibration / "mine.yaml").touch()
        refused = outrider("world", "rig", "import", calibration, "--out", calibration / name)
        assert refused.exit_code == 2
        assert problem in " ".join(refused.output.replace("│", " ").split())
    nothing = outrider("world", "rig", "import", calibration / "none", "--out", calibration / "new.yaml")
    assert isinstance(nothing.exception, ScenarioError)
    assert isinstance(nothing.exception, root_errors())


def test_a_network_that_meets_a_rig_it_is_not_made_for_is_refused_before_the_run() -> None:
    plan = RunPlan.model_validate({"world": {"name": "sunny_city", "rig": "six_tilted"}, "cars": 1})
    with pytest.raises(VehicleError, match=r"'hydranet-v1' was made for cameras 8.*this car has cameras 6, height 108"):
        equip(plan, "cpu")
