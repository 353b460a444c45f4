import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fleet.cli.main import build


def outrider(*words: object) -> tuple[int, Any]:
    """Exit code and what `--json` printed."""
    done = CliRunner().invoke(build(), [*map(str, words), "--json"])
    return done.exit_code, json.loads(done.stdout) if done.stdout else done.exception


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert outrider("trigger", "keys", tmp_path / "keys", "--expires", "2100-01-01")[0] == 0
    return tmp_path


def packed(folder: Path, version: int) -> Path:
    out = folder / f"{version}.pack"
    how = ("--keys", folder / "keys", "--version", version, "--expires", "2027-01-31", "--out", out)
    code, said = outrider("trigger", "pack", "hard_braking", *how)
    assert (code, said["package"], said["bytes"]) == (0, str(out), out.stat().st_size)
    return out


def test_keys_pack_and_verify_fit_together(folder: Path) -> None:
    trust = ("--trust", folder / "keys/1.root.json")
    code, said = outrider("trigger", "verify", packed(folder, 4), *trust, "--at", "2027-01-31")
    assert (code, said["taken"], said["version"], said["expires"]) == (0, True, 4, "2027-01-31")
    assert said["triggers"] == [{"name": "hard_braking", "version": 1, "kind": "expression"}]


def test_a_refusal_is_exit_code_1_and_says_why(folder: Path) -> None:
    trust = ("--trust", folder / "keys/1.root.json")
    code, said = outrider("trigger", "verify", packed(folder, 4), *trust, "--at", "2027-02-01")
    assert (code, said["taken"], said["reason"]) == (1, False, "expired")
    before = ("--after", packed(folder, 5), "--at", "2027-01-01")
    code, said = outrider("trigger", "verify", packed(folder, 4), *trust, *before)
    assert (code, said["reason"]) == (1, "older")
    assert "4 must be >= 5" in said["problem"]


def test_people_are_told_in_one_line(folder: Path) -> None:
    words = ["trigger", "verify", str(packed(folder, 4)), "--trust", str(folder / "keys/1.root.json"), "--at"]
    done = CliRunner().invoke(build(), [*words, "2027-01-01"])
    assert "taken: version 4, until 2027-01-31, for any network: hard_braking 1" in done.stderr
    done = CliRunner().invoke(build(), [*words, "2028-01-01"])
    assert "refused: timestamp: timestamp.json is expired (expired)" in done.stderr


def test_lost_keys_are_replaced(folder: Path) -> None:
    code, said = outrider("trigger", "keys", folder / "keys", "--replace", "targets", "--expires", "2100-01-01")
    assert (code, said["root"]) == (0, str(folder / "keys/2.root.json"))
    trust = ("--trust", folder / "keys/1.root.json", "--at", "2027-01-01")
    assert outrider("trigger", "verify", packed(folder, 6), *trust)[0] == 0
