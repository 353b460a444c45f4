"""`outrider why` against what the run itself recorded, for every car and trigger of it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import typer
from fixtures import small_plan
from typer.testing import CliRunner

from fleet.cli import why
from fleet.errors import NeverLooked, NoSuchCar, NotDeployed
from fleet.simulation import run as runs
from fleet.why import Rerun, moment_of, summary_of
from scenarios import TICK_US
from telemetry import open_run

TRIGGERS = {
    "quicker.yaml": """\
params: {fire_when: "Vehicle.Speed - was(Vehicle.Speed, 2 s) > 0.3 km/h"}
when: "Vehicle.IsMoving"
fire: {cooldown_s: 3}
clip: {before_s: 1, after_s: 1, hz: 1, cameras: [main]}
""",
    "shared.yaml": """\
params: {fire_when: "Vehicle.Speed >= 0"}
fire: {edge: always, cooldown_s: 2}
clip: {before_s: 1, after_s: 1, hz: 1, cameras: [narrow], merge: false}
limits: {fleet_total: 4, per_car_day: 3}
""",
    "heavy.yaml": """\
params: {fire_when: "max(Vehicle.Speed over 3 s) > 500 km/h or Vehicle.Speed > 1 km/h for 2 s"}
fire: {edge: always, cooldown_s: 2}
clip: {before_s: 1, after_s: 1, hz: 1, cameras: [narrow], merge: false}
limits: {mb_per_clip: 0.001}
""",
}


@pytest.fixture(scope="module")
def run(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose triggers have windows, a quota of the fleet and all sorts of silence."""
    place = tmp_path_factory.mktemp("why")
    for name, text in TRIGGERS.items():
        (place / name).write_text(f"name: {name.removesuffix('.yaml')}\nkind: expression\n{text}")
    files = ",".join(str(place / name) for name in TRIGGERS)
    plan = small_plan(
        small, "cars=4", "cohort_cars=2", "duration=9s", "perceive_every_s=1", f"loadout.triggers=[{files}]"
    )
    runs.start(plan, place / "run")
    return place / "run"


@pytest.fixture(scope="module")
def again(run: Path) -> Rerun:
    return Rerun(run)


def recorded(run: Path, query: str) -> list[tuple[Any, ...]]:
    with open_run(run) as db:
        return db.execute(query).fetchall()


def time_of_day(t_us: int) -> str:
    return f"{t_us // 3_600_000_000:02}:{t_us // 60_000_000 % 60:02}:{t_us // 1_000_000 % 60:02}"


def test_every_car_and_trigger_is_told_what_the_run_recorded(run: Path, again: Rerun) -> None:
    counted = recorded(run, "SELECT car, trigger, reason, sum(count) FROM reasons GROUP BY ALL")
    fired = recorded(run, "SELECT car, trigger, t_us FROM fires")
    pairs = sorted({(car, trigger) for car, trigger, _, _ in counted})
    assert len(pairs) >= 6
    for car, trigger in pairs:
        expected = Counter({reason: int(n) for who, which, reason, n in counted if (who, which) == (car, trigger)})
        told = summary_of(again, car, trigger)
        assert Counter(told.reasons) == expected
        fires = sorted(t_us for who, which, t_us in fired if (who, which) == (car, trigger))
        assert [fire.t_us for fire in told.fires] == fires


def test_a_fire_is_followed_to_what_became_of_its_clip(run: Path, again: Rerun) -> None:
    rows = recorded(
        run,
        "SELECT f.car, f.trigger, f.t_us, f.clip, f.score, u.status, u.finished_us, c.file FROM fires f "
        "LEFT JOIN uploads u USING (clip) LEFT JOIN clips c USING (clip) ORDER BY f.t_us LIMIT 5",
    )
    assert rows
    for car, trigger, t_us, clip, score, status, finished_us, file in rows:
        moment = moment_of(again, car, trigger, t_us + TICK_US // 2)
        assert (moment.t_us, moment.reason) == (t_us, "FIRED")
        assert moment.seen.score == pytest.approx(score, abs=1e-6)
        assert moment.fate is not None
        if not clip:
            assert moment.fate.status == "refused"
        elif file:
            assert (moment.fate.status, moment.fate.clip, moment.fate.finished_us) == ("kept", clip, finished_us)
        else:
            assert moment.fate.status == (status or "recording")


def test_a_silence_is_told_with_the_values_that_decided(run: Path, again: Rerun) -> None:
    (car, trigger) = recorded(run, "SELECT car, trigger FROM reasons WHERE reason = 'BELOW' ORDER BY 1, 2 LIMIT 1")[0]
    nearest = summary_of(again, car, trigger).nearest
    assert nearest
    gaps = [moment.seen.gap for moment in nearest]
    assert gaps == sorted(gaps)
    moment = moment_of(again, car, trigger, nearest[0].t_us)
    assert moment.reason == nearest[0].reason
    assert moment.seen == nearest[0].seen
    assert all(part.text for part in moment.seen.score_of)


def test_a_question_without_an_answer_says_what_to_ask(run: Path, again: Rerun) -> None:
    trigger = str(recorded(run, "SELECT trigger FROM reasons LIMIT 1")[0][0])
    with pytest.raises(NoSuchCar, match="the run has no car 999: its cars are 0 to"):
        summary_of(again, 999, trigger)
    with pytest.raises(NotDeployed, match=f"do not carry '{trigger}s'; did you mean '{trigger}'"):
        summary_of(again, 0, trigger + "s")
    with pytest.raises(
        NeverLooked, match=r"car 0 does not look at 01:00:00: the run lasts from .*; its nearest looks? "
    ):
        moment_of(again, 0, trigger, 3_600_000_000)


def outrider(*words: object) -> Any:
    app = typer.Typer(rich_markup_mode="rich")
    why.register(app)
    app.callback()(lambda: None)
    return CliRunner().invoke(app, ["why", *(str(word) for word in words)])


def test_the_command_tells_people_and_machines_the_same(run: Path) -> None:
    car, trigger, t_us = recorded(run, "SELECT car, trigger, t_us FROM fires ORDER BY t_us LIMIT 1")[0]
    at = time_of_day(t_us)
    asked = (run, "--car", car, "--trigger", trigger)
    text, found = outrider(*asked, "--at", at), json.loads(outrider(*asked, "--at", at, "--json").stdout)
    assert f"{at} FIRED: " in text.stdout
    assert (found["car"], found["trigger"], found["reason"]) == (car, trigger, "FIRED")
    assert found["fate"]["told"] in text.stdout
    assert "looks from " in outrider(*asked).stdout
    assert outrider(*asked, "--at", "noon").exit_code == 2
