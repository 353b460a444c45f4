"""A whole exam of a little world: pictures, the car's own code, a page, and an exit code."""

import json
from pathlib import Path

import numpy as np
import pytest
from fixtures import plain_painting
from typer.testing import CliRunner

from fleet.cli.main import build
from fleet.exam import clips, exam, film, films, grounds, painted, trial
from fleet.exam.aims import aim_of
from fleet.exam.crew import Fitting
from fleet.exam.driving import drive
from fleet.exam.exam import Order
from scenarios import CONDITIONS, ENCOUNTERS, Draws, open_world, staging
from triggers import load_spec
from vehicle import load_network

pytestmark = pytest.mark.timeout(900)  # painting without a compiler, on however busy a machine

RATES = {"caution_light": 3.0, "balloon": 2.0, "hydrant": 1.0}
TRIGGER = """\
name: caution_light_red
kind: expression
params: {fire_when: "warning_lamp > 0.3"}
when: "Vehicle.Speed > 1"
fire: {cooldown_s: 60}
clip: {before_s: 1, after_s: 1, cameras: [main]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world of three encounters on dry days, and a trigger."""
    root = tmp_path_factory.mktemp("exam")
    spec = open_world("mixed_fleet", seed=1, cars=1, compiled=False)
    fields = staging.drawn(spec).spec.model_dump(mode="json", exclude_none=True)
    fields |= {
        "name": "little", "roads": {"urban": 1.0}, "night": {"share": 0.0},
        "conditions": {name: {"probability": 0.0} for name in CONDITIONS if name != "night"},
        "encounters_per_km": dict.fromkeys(ENCOUNTERS, 0.0) | RATES,
    }  # fmt: skip
    fields.pop("hours")
    (root / "little.yaml").write_text(json.dumps(fields))
    (root / "rule.yaml").write_text(TRIGGER)
    return root


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little of everything."""
    for module, name, value in (
        (trial, "PILOT", 2), (trial, "FLOOR", 3), (painted, "SCOUTS", 1), (grounds, "CAR_DAYS", 60),
        (grounds, "SITES", 800), (grounds, "BLOCK", 4), (exam, "BLOCK", 4), (films, "BLOCK", 4), (film, "REEL", 16),
        (clips, "SHOWN", 1), (clips, "WEIGHED", 1),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)


@pytest.fixture(scope="module")
def order(folder: Path) -> Order:
    return Order(str(folder / "rule.yaml"), str(folder / "little.yaml"))


def world_of(order: Order) -> staging.DrawnWorld:
    return staging.drawn(open_world(order.world, seed=1, cars=1, compiled=False))


def test_the_command_writes_a_page_and_ends_with_the_verdicts_code(order: Order, tmp_path: Path) -> None:
    arguments = [
        "trigger", "exam", order.spec, "--world", order.world, "--catches", "caution_light", "--frames", "100",
        "--dry-run-frames", "100", "--every-s", "4", "--json", "--out", str(tmp_path / "exam.html"),
        "--require", "recall<=0.0", "--film", str(tmp_path / "films"), "--workers", "1",
    ]  # fmt: skip
    with plain_painting():
        done = CliRunner().invoke(build(), arguments)
    found = json.loads(done.stdout)  # nothing else stands there
    assert done.exit_code == {"pass": 0, "fail": 1, "inconclusive": 3}[found["verdict"]]
    assert found["requirements"][0]["requirement"] == "recall<=0"
    assert found["trigger"] == "caution_light_red"
    assert found["near_misses"] == ["dark_lamp", "balloon"]
    bill = found["cost"]["dry_run"]
    assert bill["frames_painted"] == bill["film_frames"] >= bill["frames_from_film"] > 90
    assert bill["exams_on_this_film"] == bill["triggers_on_this_film"] == 1
    assert bill["painted_frame_equivalents"] > bill["frames_painted"]
    rates = {each["stratum"]: each["per_car_day"] for each in found["strata"]}
    assert set(rates) == {"caution_light, dry day", "balloon, dry day", "ordinary driving"}
    assert found["events_per_car_day"]["estimate"] == pytest.approx(rates["caution_light, dry day"], rel=0.7)
    assert found["gates"]["names"] == ["Vehicle.Speed > 1", "warning_lamp > 0.3", "edge and cooldown"]
    for through in found["gates"]["through"].values():
        assert through == sorted(through, reverse=True)
    assert sum(each["share"] for each in found["fires_by_mode"]) in (0, pytest.approx(1.0))
    page = (tmp_path / "exam.html").read_text()
    assert page.index("recall&lt;=0") < page.index('id="guard"') < page.index('id="method"')
    assert "data:image/jpeg" in page
    assert "http" not in page


def test_two_versions_meet_the_same_encounters_and_a_change_can_be_required(order: Order, tmp_path: Path) -> None:
    """The other version never fires, so all that this one does is a difference."""
    never = tmp_path / "never.yaml"
    never.write_text(TRIGGER.replace("> 0.3", "> 2.0"))
    arguments = [
        "trigger", "exam", order.spec, "--world", order.world, "--catches", "caution_light", "--frames", "100",
        "--dry-run-frames", "100", "--every-s", "4", "--json", "--out", str(tmp_path / "exam.html"), "--no-film",
        "--workers", "1", "--versus", str(never), "--require", "fires_per_car_day_change>=-1e9",
    ]  # fmt: skip
    with plain_painting():
        done = CliRunner().invoke(build(), arguments)
    found = json.loads(done.stdout)  # nothing else stands there
    change = found["versus"]
    assert change["lost"] == 0
    assert change["recall_change"]["estimate"] == pytest.approx(found["recall"]["estimate"] or 0.0)
    assert change["fires_per_car_day_change"]["estimate"] == pytest.approx(found["fires_per_car_day"]["estimate"])
    assert change["upload_mb_per_car_day_change"]["estimate"] == pytest.approx(
        found["upload_mb_per_car_day"]["estimate"]
    )
    assert found["requirements"][0]["verdict"] == "pass"
    assert done.exit_code == {"pass": 0, "fail": 1, "inconclusive": 3}[found["verdict"]]
    page = (tmp_path / "exam.html").read_text()
    assert page.index('id="guard"') < page.index('id="versus"') < page.index('id="method"')


def test_a_change_without_another_version_is_refused() -> None:
    done = CliRunner().invoke(build(), ["trigger", "exam", "caution_light", "--require", "recall_change>=0"])
    assert "give one by --versus" in str(done.exception)


def test_a_budget_is_kept_or_said_to_be_too_small(order: Order, tmp_path: Path) -> None:
    arguments = [
        "trigger", "budget", order.spec, "--world", order.world, "--catches", "caution_light", "--frames", "100",
        "--dry-run-frames", "100", "--every-s", "4", "--json", "--out", str(tmp_path / "budget.html"),
        "--mb-per-car-day", "1000", "--want", "100", "--no-film", "--workers", "1",
    ]  # fmt: skip
    with plain_painting():
        done = CliRunner().invoke(build(), arguments)
    found = json.loads(done.stdout)  # nothing else stands there
    assert (done.exit_code, found["verdict"]) == (0, "pass")
    assert sum(each["right_fires"] for each in found["quotas"].values()) in (0, 100)
    assert 0 <= found["used"] < 1
    assert "It fits." in (tmp_path / "budget.html").read_text()


def test_what_is_put_on_the_road_is_seen_and_what_is_not_there_is_not(order: Order) -> None:
    world = world_of(order)
    here = grounds.Grounds(world, Draws(1), 2.0, car_days=60)
    here.lead = 1
    fitting = Fitting(load_network("hydranet-v1"), (), (load_spec(order.spec),))
    ((_, rows),) = here.strata_of("caution_light", event=True)
    with plain_painting():
        driven = drive(world, fitting, here.passes("caution_light", rows[:3]), aim_of("caution_light"), here.step)
        empty = drive(world, fitting, here.blocks("some", np.arange(2)), aim_of("caution_light"), here.step)
        again = drive(world, fitting, here.passes("caution_light", rows[:3]), aim_of("caution_light"), here.step)
    assert np.array_equal(driven.score, again.score, equal_nan=True)
    assert driven.fires == again.fires
    assert driven.seen.any()
    assert not empty.seen.any()
    assert driven.frames == driven.passes.looks.sum()
    assert all(fire.look >= driven.passes.lead[fire.row] for fire in driven.fires)


def test_the_grounds_hold_as_many_sites_as_the_fleet_drives(order: Order) -> None:
    here = grounds.Grounds(world_of(order), Draws(1), 1.0, car_days=200)
    ((stratum, rows),) = here.strata_of("caution_light", event=True)
    assert stratum.per_car_day == pytest.approx(3.0 * here.km_per_car_day, rel=0.05)
    assert len(np.unique(rows)) == len(rows)
    assert here.blocks_per_car_day == pytest.approx(here.looks_per_car_day / grounds.BLOCK, rel=0.03)


def test_a_requirement_that_cannot_be_read_is_refused_before_anything_is_painted(order: Order) -> None:
    done = CliRunner().invoke(build(), ["trigger", "exam", "caution_light", "--require", "precison>=0.6"])
    assert "did you mean 'precision'" in str(done.exception)
