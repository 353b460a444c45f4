from pathlib import Path

import pytest

from vehicle import TASKS, VehicleError, load_task, task_schema
from vehicle.errors import BadTask, UnknownTask
from vehicle.tasks import FAMILIES
from vehicle.tasks.table import LIBRARY

SCOOTER = """\
name: scooter
family: moving_object
says: Does somebody ride a scooter ahead?
classes: [cyclist]
min_pixels: 10
subtasks:
  near: {below: {distance_m: 10}}
  crossing: {trait: crossing}
"""


def save(folder: Path, text: str) -> Path:
    path = folder / "task.yaml"
    path.write_text(text)
    return path


def test_a_task_of_a_file_has_its_columns(tmp_path: Path) -> None:
    task = load_task(save(tmp_path, SCOOTER))
    assert task.columns("scooter") == ("scooter", "scooter.near", "scooter.crossing")
    assert task.classes == ("cyclist",)


def test_a_shipped_task_is_found_by_its_name() -> None:
    assert load_task("lane") is TASKS["lane"]
    with pytest.raises(UnknownTask, match="did you mean 'lane'"):
        load_task("lanes")


def test_at_least_twelve_tasks_and_forty_outputs_ship_and_every_family_is_used() -> None:
    assert len(TASKS) >= 12
    assert sum(task.width for task in TASKS.values()) >= 40
    assert {task.spec.family for task in TASKS.values() if task.spec} == set(FAMILIES)
    assert {path.stem for path in LIBRARY.glob("*.yaml")} == {task.spec.name for task in TASKS.values() if task.spec}


@pytest.mark.parametrize(
    ("was", "instead", "line", "problem"),
    [
        ("family: moving_object", "family: moving_objects", 2, "did you mean 'moving_object'"),
        ("classes: [cyclist]", "classes: [cyclists]", 4, "unknown kind 'cyclists'; did you mean 'cyclist'"),
        ("min_pixels: 10", "min_pixel: 10", 5, "unknown field 'min_pixel'; did you mean 'min_pixels'"),
        ("min_pixels: 10", "min_pixels: few", 5, "and this is 'few'"),
        ("min_pixels: 10", "min_pixels: -1", 5, "greater than 0"),
        ("trait: crossing", "trait: crosing", 8, "unknown trait 'crosing'; did you mean 'crossing'"),
        ("{below: {distance_m: 10}}", "{below: {distance: 10}}", 7, "did you mean 'distance_m'"),
        ("{below: {distance_m: 10}}", "{belov: {distance_m: 10}}", 7, "did you mean 'below'"),
        ("{trait: crossing}", "{}", 8, "asks nothing"),
        ("min_pixels: 10", "min_pixels: 10\nmin_pixels: 12", 6, "said twice; first on line 5"),
        ("says: Does", "says: [Does", 4, "not YAML"),
    ],
)
def test_a_mistake_is_named_by_file_line_and_nearest_name(
    was: str, instead: str, line: int, problem: str, tmp_path: Path
) -> None:
    path = save(tmp_path, SCOOTER.replace(was, instead))
    with pytest.raises(BadTask) as caught:
        load_task(path)
    assert f"{path}:{line}: " in str(caught.value)
    assert problem in str(caught.value)
    assert isinstance(caught.value, VehicleError)


def test_what_one_family_takes_another_refuses(tmp_path: Path) -> None:
    with pytest.raises(BadTask, match=r"task.yaml:4: within_m: unknown field"):
        load_task(save(tmp_path, "name: x\nfamily: tags\nsays: X?\nwithin_m: 3\ncovered_above: 0.5\n"))


def test_the_schema_says_what_every_family_takes() -> None:
    schema = task_schema()
    families = {each["properties"]["family"]["const"]: each["properties"] for each in schema["anyOf"]}
    assert set(families) == set(FAMILIES)
    assert "none_within_m" in families["crosswalk"]
    assert "none_within_m" not in families["landmark"]
    assert "stop_sign" in families["landmark"]["classes"]["items"]["enum"]
