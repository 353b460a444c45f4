import json
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.engine.suites.cases import Case, Recipe, append_cases, depends, head, read_cases
from fleet.errors import BrokenChain


def case_of(car: int, tick: int = 5, encounter: int = 0) -> Case:
    recipe = Recipe("all_weather", {"night": {"share": 0.5}}, 1, 100, car, tick)
    return Case("plain", recipe, expected=True, camera="main", encounter=encounter, facts={"distance_m": 12.5})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "few.cases.jsonl"
    append_cases(file, [case_of(1), case_of(2)])
    append_cases(file, [case_of(3), case_of(4)])
    return file


def broken(file: Path, lines: list[bytes]) -> int:
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    with pytest.raises(BrokenChain) as error:
        read_cases(file)
    return error.value.line


def test_cases_come_back_as_they_were_added(file: Path) -> None:
    assert read_cases(file) == [case_of(car) for car in (1, 2, 3, 4)]


def test_no_file_is_no_cases(tmp_path: Path) -> None:
    assert read_cases(tmp_path / "none.cases.jsonl") == []


def test_adding_changes_no_earlier_byte(file: Path) -> None:
    before = file.read_bytes()
    append_cases(file, [case_of(9)])
    assert file.read_bytes().startswith(before)


def test_a_line_taken_away_is_found(file: Path) -> None:
    lines = file.read_bytes().splitlines()
    assert broken(file, [lines[0], *lines[2:]]) == 2


def test_the_first_line_taken_away_is_found(file: Path) -> None:
    assert broken(file, file.read_bytes().splitlines()[1:]) == 1


def test_a_line_edited_is_found_at_the_next(file: Path) -> None:
    lines = file.read_bytes().splitlines()
    edited = json.dumps(json.loads(lines[1]) | {"expected": False}).encode()
    assert broken(file, [lines[0], edited, *lines[2:]]) == 3


def test_lines_that_change_places_are_found(file: Path) -> None:
    first, second, *rest = file.read_bytes().splitlines()
    assert broken(file, [second, first, *rest]) == 1


def test_a_line_cut_short_is_found(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(BrokenChain, match="cut short"):
        read_cases(file)


def test_what_is_no_case_is_found(file: Path) -> None:
    assert broken(file, [*file.read_bytes().splitlines(), b'{"before": "0"}']) == 5


def test_nothing_is_added_to_a_broken_file(file: Path) -> None:
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:]))
    before = file.read_bytes()
    with pytest.raises(BrokenChain):
        append_cases(file, [case_of(9)])
    assert file.read_bytes() == before


def test_the_head_tells_when_the_end_was_taken_away(file: Path) -> None:
    whole = head(file)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    assert head(file) != whole


@pytest.mark.parametrize(
    ("other", "dependent"),
    [
        (case_of(1, tick=6), True),
        (case_of(1, tick=400_000), False),
        (case_of(2, tick=5), False),
        (case_of(1, tick=400_000, encounter=8), True),
        (case_of(2, tick=5, encounter=8), False),
    ],
)
def test_one_encounter_and_one_trip_give_one_case(other: Case, dependent: bool) -> None:
    assert depends(case_of(1, encounter=8), [other]) is dependent


def test_another_seed_is_another_car() -> None:
    elsewhere = replace(case_of(1), recipe=replace(case_of(1).recipe, seed=2))
    assert not depends(case_of(1), [elsewhere])
