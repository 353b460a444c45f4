import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fleet.cli.schema import What, schema_of
from fleet.errors import RunDiverged
from fleet.plan_file import PLANS

HEAVY = {"torch", "numpy", "duckdb", "zmq", "onnxruntime", "simpy", "pyarrow", "structlog", "scipy"}


def outrider(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fleet.cli.main", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def refusal(*words: object, cwd: Path | None = None) -> str:
    """What a user reads who made a mistake: one screen on standard error, exit code 2, no traceback."""
    done = outrider(*words, cwd=cwd)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 20
    return done.stderr


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from fleet.cli.main import build; build(); print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY.isdisjoint(loaded)


@pytest.mark.parametrize(
    "command", ["run", "serve", "store trim", "store sql", "store clips", "replay", "schema", "doctor"]
)
def test_every_command_has_help_with_examples(command: str) -> None:
    said = outrider(*command.split(), "--help").stdout
    assert f"outrider {command}" in said


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "did you mean 'rainy_city'?" in refusal("run", "rainy_cty", cwd=tmp_path)


def test_a_mistyped_field_is_refused(tmp_path: Path) -> None:
    assert "did you mean 'cars'?" in refusal("run", "rainy_city", "--set", "carz=5", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_in_use_is_refused(small: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert "is not empty" in refusal("run", small / "small.yaml", "--out", tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(small: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "cannot write" in refusal("run", small / "small.yaml", "--out", tmp_path / "file" / "run")


def test_resuming_nothing_is_refused(small: Path, tmp_path: Path) -> None:
    assert "nothing to resume" in refusal("run", small / "small.yaml", "--resume", cwd=tmp_path)


def test_replaying_what_is_no_run_is_refused(tmp_path: Path) -> None:
    assert "is not a run folder" in refusal("replay", tmp_path)


def test_serving_on_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        assert str(taken.getsockname()[1]) in refusal("serve", "--store", tmp_path, "--plain", "--bind", bind)


def test_a_server_is_told_whether_it_has_keys(tmp_path: Path) -> None:
    assert "say one: --keys DIR" in refusal("serve", "--store", tmp_path / "store")
    assert "for the loopback address alone" in refusal(
        "serve", "--store", tmp_path / "store", "--plain", "--bind", "tcp://0.0.0.0:0"
    )


def test_a_store_that_nobody_served_has_no_status(tmp_path: Path) -> None:
    assert "`outrider serve --store" in refusal("serve", "status", "--store", tmp_path)


def test_keys_are_made_listed_and_taken_away(tmp_path: Path) -> None:
    keys, out = tmp_path / "keys", tmp_path / "car.key"
    assert outrider("keys", "init", keys).returncode == 0
    enrolled = json.loads(outrider("keys", "enrol", keys, "car-7", "--cars", "7", "--out", out, "--json").stdout)
    assert json.loads(out.read_text())["public"] == enrolled["public"]
    assert "not overwritten" in refusal("keys", "enrol", keys, "car-8", "--cars", "8", "--out", out)
    assert json.loads(outrider("keys", "revoke", keys, "car-7", "--json").stdout)["revoked"] == 1
    (listed,) = json.loads(outrider("keys", "list", keys, "--json").stdout)["keys"]
    assert listed == {"name": "car-7", "public": enrolled["public"], "cars": "7", "revoked": True}


def test_a_diverged_run_is_a_failed_verdict() -> None:
    assert RunDiverged("18:30:10", "fires", 1, 2).exit_code == 1


def test_doctor_prints_one_json_object() -> None:
    found = json.loads(outrider("doctor", "--json").stdout)
    assert all(found["core"].values())
    assert {each["name"] for each in found["optional"]} >= {"C++ compiler", "GPU", "Chromium", "Ray"}


def test_the_schema_beside_the_plans_is_the_one_that_is_printed() -> None:
    assert json.loads((PLANS / "plan.schema.json").read_text()) == schema_of(What.PLAN)


@pytest.mark.parametrize("what", What)
def test_every_schema_describes_an_object(what: What) -> None:
    assert schema_of(what)["type"] == "object"


def _hear_interrupts() -> None:
    """Whoever started the tests in the background may have had them ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_an_interrupted_command_says_how_to_go_on_and_does(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["run", str(small / "small.yaml"), "--set", "duration=20s", "--out", str(out)]
    with subprocess.Popen(
        [sys.executable, "-m", "fleet.cli.main", *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_interrupts,  # noqa: PLW1509 - no thread of ours runs yet
    ) as running:
        while not (out / "log.jsonl").exists() and running.poll() is None:
            time.sleep(0.01)  # until the first of ten barriers
        os.kill(running.pid, signal.SIGINT)
        _, said = running.communicate()
    assert running.returncode == 130
    assert f"outrider run {out}/plan.yaml --resume --out {out}" in said
    assert "Traceback" not in said
    done = outrider("run", out / "plan.yaml", "--resume", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["car_ticks"] > 0
    assert {"run", "digest", "cars", "fires", "clips_kept", "wall_s", "real_time_factor"} <= summary.keys()
    assert (out / "report.html").is_file()
    assert json.loads((out / "manifest.json").read_text())["complete"] is True
