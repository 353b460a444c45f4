import datetime as dt
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from triggers import TriggerError, TriggerSpec, load_spec
from triggers.errors import BadExpression, BadSpec, UnknownKind, UnknownTrigger

Write = Callable[[str], Path]

GOOD = """\
name: mine
version: 3
kind: expression
params: {fire_when: "Vehicle.Speed > 7.2"}
when: "Vehicle.IsMoving"
fire: {edge: rising, dwell_s: 0.2, cooldown_s: 300}
clip: {before_s: 4, after_s: 2.5, cameras: [main, narrow], merge: true}
limits: {per_car_day: 5, fleet_total: 10000, expires: 2027-01-31}
priority: 20
"""


FAR = {"before_s": 60.0, "after_s": 40.0}


def test_a_spec_says_what_its_file_says(write: Write) -> None:
    spec = load_spec(write(GOOD))
    assert (spec.name, spec.version, spec.priority, spec.fire.cooldown_s) == ("mine", 3, 20, 300)
    assert (spec.clip.cameras, spec.clip.after_s, spec.clip.hz) == (("main", "narrow"), 2.5, 1)
    assert (spec.limits.expires, spec.limits.fleet_total) == (dt.date(2027, 1, 31), 10_000)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dwell_s: 0.2", "dwel_s: 0.2", "mine.yaml:6: fire.dwel_s: unknown key 'dwel_s'; did you mean 'dwell_s'?"),
        (
            "edge: rising",
            "edge: risng",
            "fire.edge: expected rising, falling, always, and this is 'risng'; did you mean",
        ),
        ("priority: 20", "priorty: 20", "mine.yaml:9: priorty: unknown key 'priorty'; did you mean 'priority'?"),
        ("priority: 20", "priority: 101", "mine.yaml:9: priority: expected less than or equal to 100, and this is 101"),
        ("priority: 20", "priority: 2.5", "mine.yaml:9: priority: expected a valid integer"),
        ("version: 3", "version: '3'", "mine.yaml:2: version: expected a valid integer, and this is '3'"),
        ("cooldown_s: 300", "cooldown_s: true", "fire.cooldown_s: expected a valid number, and this is True"),
        ("cooldown_s: 300", "cooldown_s: .nan", "fire.cooldown_s: expected"),
        ("dwell_s: 0.2", "dwell_s: -1", "fire.dwell_s: expected greater than or equal to 0"),
        (
            "merge: true",
            "longest_s: 6",
            "mine.yaml:7: clip.longest_s: no shorter than before_s and after_s together, 6.5 s",
        ),
        ("per_car_day: 5", "mb_per_clip: 0", "mine.yaml:8: limits.mb_per_clip: expected greater than 0, and this is 0"),
        ("merge: true", "merge: yes", "mine.yaml:7: clip.merge: YAML reads yes as true"),
        ("2027-01-31", "20270131", "limits.expires: a date is written 2027-01-31, and this is 20270131"),
        ("2027-01-31", "soon", "limits.expires: expected a valid date"),
        ("name: mine", "name: My trigger", "mine.yaml:1: name: "),
        ("name: mine\n", "", "name: needed, and it is not there"),
        (
            "{fire_when",
            "{fire_wen",
            "mine.yaml:4: params.fire_wen: `expression` has no such parameter; did you mean 'fire_when'",
        ),
        ('{fire_when: "Vehicle.Speed > 7.2"}', "{}", "params.fire_when: `expression` needs it"),
        ('"Vehicle.Speed > 7.2"', "7.2", "mine.yaml:4: params.fire_when: expected a text, and this is 7.2"),
        ("name: mine", "name: mine\nname: mine", "mine.yaml:2: name: said twice; first on line 1"),
    ],
)
def test_a_mistake_is_named_with_file_line_field_and_what_was_expected(
    write: Write, old: str, new: str, said: str
) -> None:
    path = write(GOOD.replace(old, new))
    with pytest.raises(BadSpec) as error:
        load_spec(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)


def test_all_mistakes_are_named_at_once(write: Write) -> None:
    with pytest.raises(BadSpec) as error:
        load_spec(write(GOOD.replace("priority", "priorty").replace("edge: rising", "edge: up")))
    assert [each.line for each in error.value.problems] == [6, 9]


def test_an_unknown_kind_is_refused_with_the_nearest(write: Write) -> None:
    with pytest.raises(
        UnknownKind, match=r"mine.yaml:3: kind: unknown trigger kind 'expresion'; did you mean 'expression'\?"
    ):
        load_spec(write(GOOD.replace("kind: expression", "kind: expresion")))


@pytest.mark.parametrize(
    ("old", "field"), [("Vehicle.Speed > 7.2", "4: params.fire_when"), ("Vehicle.IsMoving", "5: when")]
)
def test_a_bad_expression_is_found_before_any_table(write: Write, old: str, field: str) -> None:
    with pytest.raises(BadExpression, match=rf"mine.yaml:{field}: ") as error:
        load_spec(write(GOOD.replace(old, "a &&& b")))
    assert str(error.value).endswith("  a &&& b\n    ^")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_file_that_is_no_mapping_is_refused(write: Write, text: str) -> None:
    with pytest.raises(BadSpec, match="expected a mapping"):
        load_spec(write(text))


def test_a_name_that_neither_ships_nor_is_a_file_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownTrigger, match=r"unknown trigger 'caution_ligth'; did you mean 'caution_light'\?"):
        load_spec("caution_ligth")


def test_a_spec_cannot_be_changed(write: Write) -> None:
    with pytest.raises(ValidationError):
        load_spec(write(GOOD)).priority = 3


def test_a_spec_made_in_code_is_the_same_as_one_read(write: Write) -> None:
    made = TriggerSpec(name="a", kind="expression", params={"fire_when": "true"})
    read = load_spec(write("name: a\nkind: expression\nparams: {fire_when: 'true'}\n"))
    assert made.model_dump() == read.model_dump()
    assert (read.folder.is_absolute(), made.folder) == (True, Path())


def test_a_spec_survives_the_way_to_another_process(write: Write) -> None:
    spec = load_spec(write(GOOD))
    again = pickle.loads(pickle.dumps(spec))  # noqa: S301 -- our own
    assert (again, again.where("when"), again.folder) == (spec, spec.where("when"), spec.folder)


def test_a_schema_describes_every_field() -> None:
    schema = TriggerSpec.model_json_schema()
    assert set(schema["properties"]) == set(TriggerSpec.model_fields)
    assert all(field.get("description") for field in schema["$defs"]["Fire"]["properties"].values())


@pytest.mark.parametrize(
    "error",
    [
        UnknownTrigger("a", ["ab"], "here"),
        BadExpression("a b", 2, "what", "there"),
        BadSpec("f", []),
    ],
)
def test_errors_survive_the_way_to_another_process(error: TriggerError) -> None:
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 -- our own


def test_a_forecast_is_an_interval_of_each_measure(write: Write) -> None:
    forecast = load_spec(
        write(GOOD + "forecast: {fires_per_car_day: [0.1, 0.4], mb_per_car_day: [0, 2], driving_h: 1.2}\n")
    ).forecast
    assert forecast is not None
    assert forecast.fires_per_car_day == (0.1, 0.4)
    with pytest.raises(BadSpec, match=r"forecast.mb_per_car_day: an interval is written \[low, high\]"):
        load_spec(write(GOOD + "forecast: {mb_per_car_day: [2, 1], driving_h: 1.2}\n"))
    with pytest.raises(BadSpec, match=r"forecast.fires_per_day: unknown key .*; did you mean 'fires_per_car_day'"):
        load_spec(write(GOOD + "forecast: {fires_per_day: [1, 2], driving_h: 1.2}\n"))


def test_a_trigger_that_no_camera_of_the_car_can_serve_is_refused(write: Write) -> None:
    spec = load_spec(write(GOOD))
    spec.must_film(["main", "rear"])
    with pytest.raises(
        BadSpec, match=r"mine.yaml:7: clip.cameras: the cars have no camera 'main'; did you mean 'mains'"
    ):
        spec.must_film(["mains", "rear"])


def test_joined_clips_are_at_most_a_minute_long_where_nothing_is_said() -> None:
    told = [TriggerSpec(name="a", kind="expression", clip=clip).clip.most_s for clip in ({}, FAR, {"longest_s": 20.0})]
    assert told == [60, 100, 20]
