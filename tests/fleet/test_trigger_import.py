import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fleet.cli.main import build
from triggers import TriggerError, load_spec


def imported(folder: Path, *options: str, **fields: Any) -> tuple[int, str, Any]:
    """Exit code, standard output, and the exception."""
    (folder / "braking.json").write_text(json.dumps(fields))
    words = ["trigger", "import", "fleetwise", str(folder / "braking.json"), "--out", str(folder / "rules"), *options]
    done = CliRunner().invoke(build(), words)
    return done.exit_code, done.stdout, done.exception


def braking(signal: str = "Vehicle.Acceleration.Longitudinal") -> dict[str, Any]:
    return {
        "conditionBasedCollectionScheme": {"expression": f"$variable.`{signal}` < -4", "triggerMode": "RISING_EDGE"}
    }


def test_a_campaign_becomes_a_spec_file_that_loads(tmp_path: Path) -> None:
    code, out, _ = imported(tmp_path, "--json", collectionScheme=braking())
    said = json.loads(out)
    assert (code, said["lost"], said["trigger"]) == (0, 0, "braking")
    assert load_spec(said["spec"]).params == {"fire_when": "Vehicle.Acceleration.Longitudinal < -4"}


def test_what_is_lost_is_exit_code_1_and_on_the_screen(tmp_path: Path) -> None:
    code, out, _ = imported(tmp_path, collectionScheme=braking(), diagnosticsMode="SEND_ACTIVE_DTCS")
    assert code == 1
    assert "trouble codes are not simulated" in out
    assert (tmp_path / "rules/braking.yaml").is_file()


def test_their_names_of_signals_can_be_replaced(tmp_path: Path) -> None:
    code, _, error = imported(tmp_path, collectionScheme=braking("Car.Decel"))
    assert code != 0
    assert isinstance(error, TriggerError)
    rename = ("--rename", "Car.Decel=Vehicle.Acceleration.Longitudinal")
    assert imported(tmp_path, *rename, collectionScheme=braking("Car.Decel"))[0] == 0
    with pytest.raises(Exception, match="expected THEIRS=OURS"):
        raise imported(tmp_path, "--rename", "Car.Decel", collectionScheme=braking())[2]
