"""Cars that also look from above: a run comes out the same, whoever is ticked with whom and whatever interrupts it."""

from pathlib import Path

import pytest
from fixtures import rows_of, small_plan
from little_viewer import make_viewer

from fleet.errors import BadPlan
from fleet.plan import RunPlan
from fleet.simulation import run as runs
from fleet.simulation.crew import Progress
from fleet.simulation.run_folder import RunFolder
from telemetry import Clip, open_run
from vehicle import load_network

TABLES = ("fires", "clips", "uploads", "reasons", "signals", "vehicles", "shadow", "truth")
NEAR = """\
name: near
kind: expression
params: {fire_when: "top_down.disagreement > 0.01 or top_down.nearest_obstacle_m < 5"}
fire: {edge: always, cooldown_s: 2}
clip: {before_s: 2, after_s: 2, hz: 1, cameras: [main], merge: false}
"""


@pytest.fixture(scope="module")
def above(small: Path) -> Path:
    """The folder of the small plan, with a viewer of its own and a trigger that reads maps."""
    make_viewer(small / "blocks", "blocks", load_network("hydranet-v1").backbone, scale=3.0)
    (small / "near.yaml").write_text(NEAR)
    return small


def plan(above: Path, *overrides: str) -> RunPlan:
    sight = f"loadout.top_down={{production: bev-v1, shadows: [{above}/blocks]}}"
    triggers = f"loadout.triggers=[{above}/near.yaml]"
    return small_plan(above, "plugins=[little_viewer]", "duration=6s", sight, triggers, *overrides)


@pytest.fixture(scope="module")
def first(above: Path, tmp_path_factory: pytest.TempPathFactory) -> runs.Summary:
    """The run that all others are compared with: one cohort, one shard."""
    return runs.start(plan(above), tmp_path_factory.mktemp("first") / "run")


def test_maps_lead_to_fires_clips_and_a_comparison(first: runs.Summary) -> None:
    assert first.clips_kept > 3
    with open_run(first.run) as db:
        ((ticks,),) = db.sql(
            "SELECT sum(ticks) FROM shadow WHERE candidate = 'blocks' AND task = 'top_down'"
        ).fetchall()
    assert ticks == first.car_ticks


def test_every_clip_brings_the_maps_of_all_viewers(first: runs.Summary) -> None:
    clips = [Clip.read(file) for file in sorted((Path(first.run) / "clips").glob("*.mcap"))]
    assert len(clips) == first.clips_kept
    for clip in clips:
        assert list(clip.top_down) == ["bev-v1", "blocks"]
        assert all(len(maps) == len(clip.ticks) > 1 for maps in clip.top_down.values())
    assert len({maps for clip in clips for maps in clip.top_down["bev-v1"]}) > len(clips)


@pytest.mark.parametrize("cohort_cars", [4, 2], ids=["4 cohorts", "7 cohorts"])
def test_the_digest_with_maps_does_not_depend_on_cohorts(
    first: runs.Summary, above: Path, tmp_path: Path, cohort_cars: int
) -> None:
    again = runs.start(plan(above, f"cohort_cars={cohort_cars}"), tmp_path / "run")
    assert again.digest == first.digest
    assert rows_of(tmp_path / "run", TABLES) == rows_of(Path(first.run), TABLES)


def test_the_digest_with_maps_does_not_depend_on_shards(first: runs.Summary, above: Path, tmp_path: Path) -> None:
    again = runs.start(plan(above, "shards=2"), tmp_path / "run")
    assert again.digest == first.digest
    assert rows_of(tmp_path / "run", TABLES) == rows_of(Path(first.run), TABLES)


def test_a_run_with_maps_is_replayed_to_the_same_digest(first: runs.Summary) -> None:
    assert runs.replay(Path(first.run)).digest == first.digest


def test_an_interrupted_run_with_maps_goes_on_to_the_same_digest(
    first: runs.Summary, above: Path, tmp_path: Path
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.car_ticks > 20:  # after a barrier
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.start(plan(above), tmp_path / "run", runs.Setting(watch=interrupt))
    assert runs.resume(tmp_path / "run").digest == first.digest
    assert rows_of(tmp_path / "run", TABLES) == rows_of(Path(first.run), TABLES)


def test_viewers_belong_to_what_a_run_is(first: runs.Summary) -> None:
    weights = RunFolder(Path(first.run)).manifest["weights"]
    assert weights["blocks"] == weights["bev-v1"] == weights["hydranet-v1"]


def refusal(above: Path, *overrides: str) -> str:
    with pytest.raises(BadPlan) as refused:
        plan(above, *overrides)
    return str(refused.value).replace(f"{above}/", "")


def test_an_unknown_viewer_is_named_with_its_place(above: Path) -> None:
    said = refusal(above, "loadout.top_down.shadows=[bve-v1]")
    assert said.startswith(
        "--set loadout.top_down.shadows=[bve-v1]: loadout.top_down.shadows.0: unknown viewer 'bve-v1'"
    )


def test_a_viewer_of_another_backbone_is_refused(above: Path) -> None:
    make_viewer(above / "foreign", "foreign", "0" * 64)
    said = refusal(above, f"loadout.top_down.production={above}/foreign")
    assert "loadout.top_down.production: viewer 'foreign' was made for backbone 000000000000" in said


def test_a_viewer_of_another_rig_is_refused(above: Path) -> None:
    make_viewer(above / "six", "six", load_network("hydranet-v1").backbone, cameras=6)
    said = refusal(above, f"loadout.top_down.production={above}/six")
    assert "'six' was made for cameras 6, height 64, width 96; this car has cameras 8" in said


def test_one_word_is_the_viewer_that_the_car_drives_by(above: Path) -> None:
    one = small_plan(above, "plugins=[little_viewer]", f"loadout.top_down={above}/blocks")
    assert one.loadout.viewers == (str(above / "blocks"),)
