import json
import math
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggers import Evaluator, Memory, SignalTable, TriggerError
from triggers.errors import BadExpression, BadSpec
from triggers.expression import Expression
from triggers.fleetwise import Campaign, Car, Fate, Migration, every_field, migrate, read_campaign, translate

SPEED, BRAKES, MOVING = "Vehicle.Speed", "Vehicle.Acceleration.Longitudinal", "Vehicle.IsMoving"
LEVEL = "Vehicle.ADAS.ActiveAutonomyLevel"
CAR = Car({SPEED: float, BRAKES: float, MOVING: bool, LEVEL: str}, {SPEED: "km/h", BRAKES: "m/s^2"})


def read(**fields: Any) -> Campaign:
    return read_campaign(json.dumps(fields).encode(), "c.json")


def timed(period_ms: int = 10_000) -> dict[str, Any]:
    return {"timeBasedCollectionScheme": {"periodMs": period_ms}}


def where(condition: str, **more: Any) -> dict[str, Any]:
    return {"conditionBasedCollectionScheme": {"expression": condition, **more}}


def moved(condition: str | None = None, *, scheme: dict[str, Any] | None = None, **fields: Any) -> Migration:
    chosen = scheme or (timed() if condition is None else where(condition))
    return migrate(read(name="mine", collectionScheme=chosen, **fields), "c.json", CAR)


def fates(found: Migration) -> dict[str, str]:
    return {note.field.rpartition("Scheme.")[2]: note.fate.value for note in found.notes}


def ours(condition: str) -> str:
    return translate(condition, CAR.types, {}, "here").text


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        ("$variable.`Vehicle.Speed` > 7000", "Vehicle.Speed > 7000"),
        ("$variable.Vehicle.Speed>=1e3", "Vehicle.Speed >= 1e3"),
        (
            "!($variable.`Vehicle.Speed` < 3 && $variable.`Vehicle.IsMoving`)",
            "not (Vehicle.Speed < 3 and Vehicle.IsMoving)",
        ),
        ("!$variable.`Vehicle.IsMoving` || true", "not Vehicle.IsMoving or true"),
        ("$variable.`Vehicle.Speed` == 3.5", "near(Vehicle.Speed, 3.5, 0.001)"),
        ("$variable.`Vehicle.Speed` != 3.5", "not near(Vehicle.Speed, 3.5, 0.001)"),
        (
            "($variable.`Vehicle.Speed` + 2) * 3 > -$variable.`Vehicle.Speed`",
            "(Vehicle.Speed + 2) * 3 > -Vehicle.Speed",
        ),
        ("1 - (2 - $variable.`Vehicle.Speed`) < 0", "1 - (2 - Vehicle.Speed) < 0"),
        ("$variable.`Vehicle.IsMoving` == 1", "Vehicle.IsMoving"),
        ("false == $variable.`Vehicle.IsMoving`", "not Vehicle.IsMoving"),
        ("$variable.`Vehicle.Speed` && true", "not near(Vehicle.Speed, 0, 0) and true"),
        ("isNull($variable.`Vehicle.Speed`)", "not defined(Vehicle.Speed)"),
        ("!isNull($variable.`Vehicle.Speed`)", "defined(Vehicle.Speed)"),
        ("custom_function('abs', $variable.`Vehicle.Speed` - 3) > 2", "abs(Vehicle.Speed - 3) > 2"),
        ('custom_function("max", $variable.`Vehicle.Speed`, 3, 4) > 2', "max(Vehicle.Speed, 3, 4) > 2"),
        ("$variable.`Vehicle.ADAS.ActiveAutonomyLevel` == 'SAE_2'", "Vehicle.ADAS.ActiveAutonomyLevel == 2"),
        (
            "custom_function('MULTI_RISING_EDGE_TRIGGER', 'a', $variable.Vehicle.IsMoving, 'b', 4 > 3)",
            "(Vehicle.IsMoving and not was(Vehicle.IsMoving)) or ((4 > 3) and not was(4 > 3))",
        ),
    ],
)
def test_a_condition_says_the_same_in_our_language(theirs: str, expected: str) -> None:
    assert ours(theirs) == expected
    Expression(expected).check(
        {SPEED: np.dtype("f4"), BRAKES: np.dtype("f4"), MOVING: np.dtype("?"), LEVEL: np.dtype("i8")}
    )


@pytest.mark.parametrize(
    ("theirs", "at", "problem"),
    [
        (
            "$variable.`Vehicle.Spede` > 3",
            0,
            "no signal of ours is called 'Vehicle.Spede'; did you mean 'Vehicle.Speed'?",
        ),
        ("3 > $variable.`Engine`", 4, "no signal of ours is called 'Engine'"),
        ("$variable.`Vehicle.Speed` = 3", 26, "'=' means nothing in a FleetWise condition; FleetWise writes `==`"),
        ("$variable.`Vehicle.Speed` > 3 and true", 30, "'and' does not belong here"),
        ("and true", 0, "'and' means nothing here; FleetWise writes `&&`"),
        ("Vehicle > 3", 0, "a signal is written $variable.`Vehicle.Speed`"),
        ("$variable.`Vehicle.Speed` >", 27, "ends where a value is missing"),
        ("($variable.`Vehicle.Speed` > 3", 0, "never closed with `)`"),
        ("$variable.`Vehicle.IsMoving` > 0", 29, "`>` on true or false has no counterpart; use `==`"),
        ("$variable.`Vehicle.IsMoving` == 2", 32, "only 0 and 1 can be compared with true or false"),
        ("$variable.`Vehicle.IsMoving` + 1 > 2", 0, "this is no number"),
        ("$variable.`Vehicle.Speed` == 'fast'", 26, "texts have no counterpart here"),
        ("custom_function('pow', 2, 3) > 1", 16, "`pow` has no counterpart here"),
        ("custom_function('pov', 2, 3) > 1", 16, "nobody here knows the function 'pov'"),
        ("custom_function('abs', 2, 3) > 1", 16, "`abs` takes 1 values"),
        ("isNull(3)", 0, "`isNull` takes one signal"),
        ("'text'", 0, "a text is neither true nor false"),
        ("", 0, "ends where a value is missing"),
        ("(" * 2000, 32, "more than 32 levels deep"),
        ("!" * 2000, 32, "more than 32 levels deep"),
    ],
)
def test_what_has_no_counterpart_is_pointed_at(theirs: str, at: int, problem: str) -> None:
    with pytest.raises(BadExpression) as caught:
        ours(theirs)
    assert caught.value.position == at
    assert problem in caught.value.problem


Parts = tuple[str, Any]  # a condition as text, and as a function of the signals' values; None is undefined


def _binary(mark: str, a: Parts, b: Parts, run: Any) -> Parts:
    def value(now: dict[str, Any]) -> Any:
        x, y = a[1](now), b[1](now)
        return None if x is None or y is None else run(x, y)

    return f"({a[0]} {mark} {b[0]})", value


NUMBERS = st.recursive(
    st.sampled_from(
        [(f"$variable.`{name}`", lambda now, name=name: now[name]) for name in (SPEED, BRAKES)]
        + [(text, lambda _, text=text: float(text)) for text in ("0", "1.5", "3")]
    ),
    lambda inner: st.builds(
        lambda mark, a, b: _binary(mark, a, b, {"+": float.__add__, "-": float.__sub__, "*": float.__mul__}[mark]),
        st.sampled_from("+-*"),
        inner,
        inner,
    ),
    max_leaves=4,
)
COMPARE = {
    "<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__,
    "==": lambda a, b: abs(a - b) < 0.001, "!=": lambda a, b: abs(a - b) >= 0.001,
}  # fmt: skip
LOGIC = {"&&": lambda a, b: a and b, "||": lambda a, b: a or b}
CONDITIONS = st.recursive(
    st.one_of(
        st.builds(
            lambda mark, a, b: _binary(mark, a, b, COMPARE[mark]), st.sampled_from(sorted(COMPARE)), NUMBERS, NUMBERS
        ),
        st.just((f"$variable.`{MOVING}`", lambda now: now[MOVING])),
        st.just((f"isNull($variable.`{SPEED}`)", lambda now: now[SPEED] is None)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda mark, a, b: _binary(mark, a, b, LOGIC[mark]), st.sampled_from(sorted(LOGIC)), inner, inner),
        inner.map(lambda a: (f"!{a[0]}", lambda now: None if a[1](now) is None else not a[1](now))),
    ),
    max_leaves=6,
)
MOMENTS = [
    {SPEED: speed, BRAKES: brakes, MOVING: moving}
    for speed in (None, 0.0, 1.5, 3.0) for brakes in (None, -4.5, 1.5) for moving in (False, True)
]  # fmt: skip


def _table() -> SignalTable:
    columns = {
        name: np.array([math.nan if now[name] is None else now[name] for now in MOMENTS], np.float32)
        for name in (SPEED, BRAKES)
    }
    columns[MOVING] = np.array([now[MOVING] for now in MOMENTS])
    return SignalTable(np.arange(len(MOMENTS), dtype=np.uint32), 0, columns, np.zeros((len(MOMENTS), 1), np.float32))


@settings(max_examples=400, deadline=None)
@given(CONDITIONS)
def test_a_condition_holds_where_the_edge_agent_says_so(condition: Parts) -> None:
    theirs = [condition[1](now) is True for now in MOMENTS]
    assert (Expression(ours(condition[0]))(_table()) == 1).tolist() == theirs


def test_a_time_based_campaign_fires_every_period() -> None:
    found = moved(scheme=timed(60_000), postTriggerCollectionDuration=2500)
    assert (found.spec.fire.edge, found.spec.fire.cooldown_s, found.spec.clip.after_s) == ("always", 60.0, 2.5)
    watch = Evaluator([found.spec], Memory(0, 1), tick_us=100_000, columns={SPEED: float}, backbone="")
    fired = []
    for second in range(0, 200, 10):
        table = SignalTable(
            np.zeros(1, np.uint32), 10 * second, {SPEED: np.ones(1, np.float32)}, np.zeros((1, 0), np.float32)
        )
        fired += [second] if len(watch.observe(table).fires()) else []
    assert fired == [0, 60, 120, 180]


def test_a_condition_based_campaign_keeps_mode_interval_and_priority() -> None:
    scheme = where(f"$variable.`{BRAKES}` < -4", triggerMode="RISING_EDGE", minimumTriggerIntervalMs=30_000)
    found = moved(scheme=scheme, priority=3, expiryTime=1801353600, description="Hard\nbraking")
    assert found.spec.params == {"fire_when": f"{BRAKES} < -4"}
    assert (found.spec.fire.edge, found.spec.fire.cooldown_s, found.spec.priority) == ("rising", 30.0, 97)
    assert str(found.spec.limits.expires) == "2027-01-30"
    assert fates(found)["expression"] == "same"
    assert fates(found)["triggerMode"] == "near"
    assert not found.lost
    assert "# Hard braking\n" in found.yaml


def test_rings_and_rates_become_seconds_before_and_pictures_a_second() -> None:
    ring = {"name": SPEED, "maxSampleCount": 50, "minimumSamplingIntervalMs": 200}
    clip = moved(signalsToCollect=[ring], postTriggerCollectionDuration=4000).spec.clip
    assert (clip.before_s, clip.after_s, clip.hz) == (6.0, 4.0, 5.0)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"postTriggerCollectionDuration": 61_000}, "postTriggerCollectionDuration"),
        ({"signalsToCollect": [{"name": "Vehicle.Cabin.Temperature"}]}, "signalsToCollect.name"),
        ({"signalsToCollect": [{"name": SPEED, "maxSampleCount": 10}]}, "signalsToCollect.maxSampleCount"),
        (
            {"signalsToCollect": [{"name": SPEED, "minimumSamplingIntervalMs": 10}]},
            "signalsToCollect.minimumSamplingIntervalMs",
        ),
        ({"priority": 101}, "priority"),
        ({"diagnosticsMode": "SEND_ACTIVE_DTCS"}, "diagnosticsMode"),
        ({"startTime": 1801353600}, "startTime"),
        (
            {"scheme": where("true", minimumTriggerIntervalMs=2**32 - 1)},
            "collectionScheme.conditionBasedCollectionScheme.minimumTriggerIntervalMs",
        ),
    ],
)
def test_what_cannot_be_kept_is_named_with_its_consequence(fields: dict[str, Any], field: str) -> None:
    found = moved(**fields)
    assert [note.field for note in found.lost] == [field]
    assert len(found.lost[0].text) > 10
    assert f"# lost: {field}: " in found.yaml


def test_a_partition_is_told_as_the_plan_says_it_and_what_has_no_counterpart_is_lost() -> None:
    size, life = {"unit": "MB", "value": 10}, {"unit": "DAYS", "value": 7}
    storage = {"maximumSize": size, "storageLocation": "critical", "minimumTimeToLive": life}
    upload = {"expression": f"$variable.`{SPEED}` > 7000"}
    fetch = {
        "fullyQualifiedName": "Vehicle.ECU1.DTC",
        "signalFetchConfig": {"timeBased": {"executionFrequencyMs": 9}},
        "actions": ["x"],
    }
    found = moved(
        dataPartitions=[{"id": "critical", "storageOptions": storage, "uploadOptions": upload}], signalsToFetch=[fetch]
    )
    assert [note.field for note in found.lost] == [
        "dataPartitions[critical].uploadOptions.expression",
        "signalsToFetch",
    ]
    assert "partitions: [{name: critical, mb: 10, ttl: 168h}]" in found.yaml


def test_a_wildcard_stands_for_the_signals_it_matches() -> None:
    assert not moved(signalsToCollect=[{"name": "Vehicle.*"}]).lost
    assert moved(signalsToCollect=[{"name": "Engine.*"}]).lost


def test_every_field_of_a_campaign_gets_a_fate() -> None:
    everything = {
        "description": "d", "signalCatalogArn": "a", "targetArn": "t", "startTime": 1, "expiryTime": 2.5,
        "postTriggerCollectionDuration": 1, "diagnosticsMode": "SEND_ACTIVE_DTCS", "spoolingMode": "OFF",
        "compression": "OFF", "priority": 1, "signalsToCollect": [{"name": SPEED}], "dataExtraDimensions": ["A.B"],
        "tags": [{"Key": "k", "Value": "v"}], "dataDestinationConfigs": [{"mqttTopicConfig": {}}], "arn": "x",
        "status": "RUNNING", "creationTime": 1, "lastModificationTime": 1,
    }  # fmt: skip
    told = {note.field.partition(".")[0].partition("[")[0] for note in moved("true", **everything).notes}
    assert told == everything.keys() | {"name", "collectionScheme"}


def test_names_become_names_of_ours() -> None:
    for theirs, expected in {"Hard-Braking:1": "hard_braking_1", "7": "c_7", "ok": "ok", "_x": "c__x"}.items():
        assert migrate(read(name=theirs, collectionScheme=timed()), "c.json", CAR).spec.name == expected
    assert migrate(read(collectionScheme=timed()), "campaigns/Brake event.json", CAR).spec.name == "brake_event"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "not JSON"),
        (b"[]", "expected one object"),
        (b"{}", "collectionScheme: needed, and it is not there"),
        (b'{"a": 1, "a": 2}', "a key stands twice"),
        (b'{"priority": NaN}', "NaN is not a JSON number"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff", "not JSON"),
        (b" " * 2_000_000, "longer than 1,048,576 bytes"),
        (b'{"signalToCollect": [], "collectionScheme": {}}', "no such field; did you mean 'signalsToCollect'?"),
        (b'{"collectionScheme": {}}', "exactly one of timeBasedCollectionScheme, conditionBasedCollectionScheme"),
        (b'{"collectionScheme": {"timeBasedCollectionScheme": {"periodMs": 9999}}}', "greater than or equal to 10000"),
    ],
)
def test_a_file_that_is_no_campaign_is_refused(raw: bytes, problem: str) -> None:
    with pytest.raises(BadSpec) as caught:
        read_campaign(raw, "c.json")
    assert problem in str(caught.value)


TIMES = st.integers(0, 253402214400) | st.floats(0, 253402214400) | st.just("2027-01-31T00:00:00Z")
WORDS = st.text("abcXYZ019", min_size=1, max_size=20)
VALID = st.fixed_dictionaries(
    {
        "collectionScheme": st.integers(10_000, 86_400_000).map(timed)
        | CONDITIONS.map(lambda parts: where(parts[0][:2048]))
    },
    optional={
        "name": st.from_regex(re.compile(r"[a-zA-Z\d\-_:]{1,100}", re.ASCII), fullmatch=True),
        "description": st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=2048),
        "startTime": TIMES,
        "expiryTime": TIMES,
        "postTriggerCollectionDuration": st.integers(0, 2**32 - 1),
        "diagnosticsMode": st.sampled_from(["OFF", "SEND_ACTIVE_DTCS"]),
        "spoolingMode": st.sampled_from(["OFF", "TO_DISK"]),
        "compression": st.sampled_from(["OFF", "SNAPPY"]),
        "priority": st.integers(0, 2**31 - 1),
        "signalsToCollect": st.lists(
            st.fixed_dictionaries(
                {"name": st.from_regex(re.compile(r"[\w|*-]{1,40}(\.[\w|*-]{1,40})?", re.ASCII), fullmatch=True)},
                optional={
                    "maxSampleCount": st.integers(1, 2**32 - 1),
                    "minimumSamplingIntervalMs": st.integers(0, 2**32 - 1),
                    "dataPartitionId": WORDS,
                },
            ),
            max_size=5,
        ),
        "tags": st.lists(st.fixed_dictionaries({"Key": WORDS, "Value": WORDS}), max_size=3),
    },
)


@settings(max_examples=80, deadline=None)
@given(VALID)
def test_every_valid_campaign_becomes_a_trigger_that_loads_and_runs(campaign: dict[str, Any]) -> None:
    found = migrate(read(**campaign), "c.json", Car(CAR.types))  # without units, which drawn conditions mix
    columns = {SPEED: float, BRAKES: float, MOVING: bool, LEVEL: int}
    Evaluator([found.spec], Memory(0, 1), tick_us=100_000, columns=columns, backbone="")
    assert {note.fate for note in found.notes} <= set(Fate)


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.sampled_from(sorted(Campaign.model_fields)) | st.text(), each),
        max_leaves=10,
    )
)
def test_any_json_is_a_campaign_or_an_error_of_ours(value: Any) -> None:
    try:
        migrate(read_campaign(json.dumps(value).encode(), "c.json"), "c.json", CAR)
    except TriggerError as error:
        told = str(error)
        assert told


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("$variable.`Vehicle.Speed`IsMoving()!&|<>=+-*/'\", 0123456789eE.trufalsisNcom_ \n")))
def test_any_condition_is_ours_or_points_at_a_character(text: str) -> None:
    try:
        ours(text)
    except BadExpression as error:
        position = error.position
        assert 0 <= position <= len(text)


def service_model() -> dict[str, dict[str, Any]]:
    """Dotted path of every field of a campaign → its shape in the service model."""
    pytest.importorskip("botocore", reason="botocore is not installed")
    loader = import_module("botocore.loaders").create_loader()
    shapes = loader.load_service_model("iotfleetwise", "service-2")["shapes"]
    paths: dict[str, dict[str, Any]] = {}

    def walk(shape: str, path: str) -> None:
        paths.setdefault(path, shapes[shape])
        for name, member in shapes[shape].get("members", {}).items():
            walk(member["shape"], f"{path}.{name}".lstrip("."))
        inner = shapes[shape].get("member", {}).get("shape")
        if inner and shapes[inner].get("members"):
            walk(inner, path)

    walk("CreateCampaignRequest", "")
    walk("GetCampaignResponse", "")
    closed = ("tags.", "dataDestinationConfigs.")  # no trigger depends on them, and they are taken as they come
    return {path: shape for path, shape in paths.items() if path and not path.startswith(closed)}


def own_schema() -> dict[str, dict[str, Any]]:
    """Dotted path of every field → what our reader says of it, in JSON Schema."""
    whole = Campaign.model_json_schema()
    paths: dict[str, dict[str, Any]] = {}

    def walk(schema: dict[str, Any], path: str) -> None:
        schema = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
        paths.setdefault(path, schema)
        if "$ref" in schema.get("items", schema):
            schema = whole["$defs"][schema.get("items", schema)["$ref"].rpartition("/")[2]]
        for name, inner in schema.get("properties", {}).items():
            walk(inner, f"{path}.{name}".lstrip("."))

    walk(whole, "")
    return paths


def test_fields_ranges_and_patterns_are_those_of_the_public_api() -> None:
    """Against the service model, where botocore is installed (`pip install botocore`)."""
    theirs, mine = service_model(), own_schema()
    assert set(every_field()) == theirs.keys()
    bounds = {"max": ("maximum", "maxLength", "maxItems"), "min": ("minimum", "minLength", "minItems")}
    for path, shape in theirs.items():
        if path.lower().endswith("arn") or path == "priority":  # of which the API leaves an end open
            continue
        for end, names in bounds.items():
            said = [mine[path][name] for name in names if name in mine[path]]
            assert not said or said == [shape.get(end, said[0])], path
        assert set(mine[path].get("enum", [])) == set(shape.get("enum", [])), path
        assert mine[path].get("pattern", "").strip("^$") in ("", shape.get("pattern")), path


def test_the_page_tells_the_fate_of_every_field() -> None:
    page = (Path(__file__).parents[2] / "docs/fleetwise.md").read_text()
    for path in every_field():
        assert f"`{path}`" in page or f"`{path.rpartition('.')[0]}`" in page, path
