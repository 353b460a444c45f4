import datetime as dt

import pytest

from triggers.errors import BadSpec
from triggers.yaml_source import read_yaml


def test_every_part_has_its_line() -> None:
    source = read_yaml("a: 1\nb:\n  c: [x,\n    y]\n", "f.yaml")
    assert source.data == {"a": 1, "b": {"c": ["x", "y"]}}
    assert [source.line(p) for p in [("a",), ("b",), ("b", "c"), ("b", "c", 1), ("b", "nowhere")]] == [1, 2, 3, 4, 2]


def test_a_date_a_number_and_null_are_what_they_look_like() -> None:
    text = "a: 2027-01-31\nb: 1.5\nc: null\nd: true\ne: 'NO'\nf: '12:30:00'\ng: -3\nh:\n"
    expected = {
        "a": dt.date(2027, 1, 31),
        "b": 1.5,
        "c": None,
        "d": True,
        "e": "NO",
        "f": "12:30:00",
        "g": -3,
        "h": None,
    }
    assert read_yaml(text, "f.yaml").data == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x: 1\na: NO", "f.yaml:2: a: YAML reads NO as false; write false, or quote it"),
        ("a: yes", "YAML reads yes as true"),
        ("a: [off]", "f.yaml:1: a.0: YAML reads off as false"),
        ("a: 12:30:00", "YAML reads 12:30:00 as the number 45000"),
        ("a: 1:30.5", "YAML reads 1:30.5 as the number 90.5"),
        ("a: 010", "YAML reads 010 as the number 8"),
        ("a: 1\nb: 2\na: 3", "f.yaml:3: a: said twice; first on line 1"),
        ("a: {b: 1, b: 2}", "f.yaml:1: a.b: said twice"),
        ("a: &x 1\nb: *x", "f.yaml:2: aliases (*x) are not read here"),
        ("a: {<<: {b: 1}}", "a key is a plain word"),
        ("1: a", "a key is a plain word"),
        ("? [a]\n: b", "a key is a plain word"),
        ("a: !!python/object:os.system x", "cannot be read"),
        ("a: 2027-02-31", "cannot be read"),
        ("a: [", "f.yaml:"),
        ("a: 1\n---\nb: 2", "not YAML"),
        ("a: \x07", "not YAML"),
        ("[" * 40 + "]" * 40, "nested deeper"),
        ("a: " + "x" * 70_000, "longer than"),
    ],
)
def test_a_surprise_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BadSpec) as error:
        read_yaml(text, "f.yaml")
    assert said in str(error.value)
