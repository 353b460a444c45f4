import pytest

from fleet.errors import BadPlan
from fleet.yaml_lines import parse


def test_words_and_clocks_stay_text() -> None:
    value, _ = parse("country: NO\nstart: 18:30\nday: 2027-01-31\nid: 012\n", "plan.yaml")
    assert value == {"country": "NO", "start": "18:30", "day": "2027-01-31", "id": "012"}


def test_numbers_truth_and_nothing_are_read() -> None:
    value, _ = parse("[1, -2.5, 1e3, .5, true, false, null, ~]", "plan.yaml")
    assert value == [1, -2.5, 1000.0, 0.5, True, False, None, None]


def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    with pytest.raises(BadPlan, match=r"plan.yaml:3: cars: this key stands twice \(first on line 1\)"):
        parse("cars: 1\nseed: 2\ncars: 3\n", "plan.yaml")


def test_a_key_inside_a_part_may_not_stand_twice_either() -> None:
    with pytest.raises(BadPlan, match=r"plan\.yaml:3"):
        parse("loadout:\n  production: a\n  production: b\n", "plan.yaml")


@pytest.mark.parametrize(
    "text", ["cars: [1", "a: *nobody", "a: \x00", "a: 1\n b: 2\n", "{", "a: !!python/object:os.system x"]
)
def test_what_is_not_yaml_is_refused(text: str) -> None:
    with pytest.raises(BadPlan, match=r"plan\.yaml"):
        parse(text, "plan.yaml")


def test_each_value_knows_its_line() -> None:
    _, lines = parse("cars: 1\nloadout:\n  triggers:\n    - a\n    - b\n", "plan.yaml")
    assert lines.where(("loadout", "triggers", 1)) == "plan.yaml:5"
    assert lines.where(("loadout", "nothing")) == "plan.yaml:2"
