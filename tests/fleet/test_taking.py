"""What a run does with the packages of its plan."""

import datetime as dt
from pathlib import Path

import pytest
from fixtures import small_plan

from fleet.errors import BadPlan
from fleet.plan import RunPlan
from fleet.simulation import run as runs
from fleet.simulation.run_folder import RunFolder
from fleet.simulation.taking import take
from telemetry import open_run
from triggers import packages

BACKBONE = "ab" * 32


@pytest.fixture(scope="module")
def folder(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan, keys, and packages 3 (a probe of hydranet-v1), 4 (`often`) and 2 (expired long ago)."""
    folder = tmp_path_factory.mktemp("packages")
    for name in ("small.yaml", "often.yaml"):
        (folder / name).write_text((small / name).read_text())
    packages.make_keys(folder / "keys", expires=dt.date(2100, 1, 1))
    keys = packages.read_keys(folder / "keys")
    for version, spec, expires in (
        (2, "hard_braking", 2026),
        (3, "caution_light", 2030),
        (4, folder / "often.yaml", 2030),
    ):
        raw = packages.pack([spec], keys, version=version, expires=dt.date(expires, 1, 31))
        (folder / f"{version}.pack").write_bytes(raw)
    return folder


def planned(folder: Path, *triggers: str, **fields: str) -> RunPlan:
    said = {"date": "2027-01-31", "loadout.trust": "keys/1.root.json"} | fields
    chosen = f"loadout.triggers=[{', '.join(triggers)}]"
    return small_plan(folder, chosen, *(f"{name.replace('__', '.')}={value}" for name, value in said.items()))


def test_the_last_package_taken_replaces_the_one_before(folder: Path, tmp_path: Path) -> None:
    taken = take(planned(folder, "hard_braking", "3.pack", "4.pack"), BACKBONE, tmp_path)
    assert [spec.name for spec in taken.specs] == ["hard_braking", "often"]
    assert [offer["taken"] for offer in taken.offers] == [False, True]
    assert taken.events[0][0] == "refuse"
    assert taken.events[0][1].startswith("3.pack: foreign_network: made for the backbone")


def test_a_package_is_judged_by_simulated_time(folder: Path, tmp_path: Path) -> None:
    def answers(date: str) -> list[str]:
        return [action for action, _ in take(planned(folder, "4.pack", date=date), BACKBONE, tmp_path).events]

    assert answers("2030-01-31") == ["take"]
    assert answers("2030-02-01") == ["refuse"]


def test_the_files_of_a_package_are_unpacked_where_its_specs_look(folder: Path, tmp_path: Path) -> None:
    from vehicle import load_network

    taken = take(planned(folder, "3.pack"), load_network("hydranet-v1").backbone, tmp_path)
    (spec,) = taken.ready()
    assert (spec.folder / spec.params["weights"]).is_file()
    assert spec.folder.is_relative_to(tmp_path)


def test_a_plan_with_packages_must_say_the_day_and_whom_its_cars_trust(folder: Path) -> None:
    with pytest.raises(BadPlan, match="date: cars judge packages by the day"):
        small_plan(folder, "loadout.triggers=[4.pack]")
    with pytest.raises(BadPlan, match=r"loadout\.trust: cars judge packages by a root"):
        planned(folder, "4.pack", **{"loadout.trust": "nobody.json"})
    with pytest.raises(BadPlan, match=r"loadout\.triggers\.0: there is no package 5\.pack"):
        planned(folder, "5.pack")


def test_a_run_takes_its_triggers_from_a_package_and_tells_what_it_refused(folder: Path, tmp_path: Path) -> None:
    plan = planned(folder, "4.pack", "2.pack", duration="4s")
    summary = runs.start(plan, tmp_path / "run")
    assert summary.fires > 0
    assert [action for action, _ in summary.events] == ["take", "refuse"]
    manifest = RunFolder(tmp_path / "run").manifest
    assert [offer["reason"].partition(":")[0] for offer in manifest["packages"]] == ["version 4", "older"]
    with open_run(tmp_path / "run") as db:
        told = db.sql("SELECT action, reason FROM rollouts ORDER BY action DESC").fetchall()
        fired = db.sql("SELECT DISTINCT trigger FROM fires").fetchall()
    assert told == list(summary.events)
    assert fired == [("often",)]
    assert runs.replay(tmp_path / "run").digest == summary.digest
