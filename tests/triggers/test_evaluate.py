import datetime as dt
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggers import KINDS, Evaluator, Memory, Reason, SignalTable, Trigger, TriggerSpec, Verdicts
from triggers.errors import (
    BadExpression,
    BadKind,
    BadSpec,
    ForeignBackbone,
    ForeignMemory,
    UnknownKind,
    UnknownSignal,
    UnknownTrigger,
)
from triggers.probe import Probe

Tables = Callable[..., SignalTable]
Noise = Callable[..., np.ndarray]
Drive = Callable[..., list[str]]

COLUMNS = {"speed": float, "moving": bool, "lane.disagreement": float, "gear": int}
BACKBONE = "ab" * 32


def fast(name: str = "fast", **fields: Any) -> TriggerSpec:
    return TriggerSpec(**{"name": name, "kind": "expression", "params": {"fire_when": "speed > 10"}, **fields})


def surprise(name: str = "surprise", **fields: Any) -> TriggerSpec:
    params = {"task": "lane", "threshold": 0.5}
    return TriggerSpec(**{"name": name, "kind": "disagreement", "params": params, "when": "moving", **fields})


def evaluator(*specs: TriggerSpec, memory: Memory | None = None, cars: int = 1, **options: Any) -> Evaluator:
    return Evaluator(specs, memory or Memory(0, cars), tick_us=100_000, columns=COLUMNS, backbone=BACKBONE, **options)


def names(verdicts: Verdicts, trigger: int = 0) -> list[str]:
    return [Reason(each).name for each in verdicts.reasons[:, trigger]]


@pytest.fixture
def drive(table: Tables) -> Drive:
    """Show one car these speeds, one a second from `start`; the reasons of the first trigger."""

    def show(watch: Evaluator, speeds: Sequence[float], start: int = 0) -> list[str]:
        return [names(watch.observe(table(tick=10 * (start + i), speed=[float(s)])))[0] for i, s in enumerate(speeds)]

    return show


def test_every_trigger_gives_every_car_a_reason_and_a_score(table: Tables) -> None:
    watch = evaluator(fast(), surprise(), cars=3)
    quiet = {"lane__disagreement": [0.1, 0.2, 0.3], "moving": [True, False, True]}
    watch.observe(table(tick=0, speed=[1.0, 1.0, 20.0], **quiet))
    verdicts = watch.observe(table(tick=10, speed=[20.0, np.nan, 20.0], **quiet))
    assert (names(verdicts), names(verdicts, 1)) == (["FIRED", "UNDEFINED", "HELD"], ["BELOW", "GATED", "BELOW"])
    assert np.allclose(verdicts.scores[[0, 2], 1], [0.1, 0.3])
    assert np.isnan(verdicts.scores[1]).all()
    assert verdicts.fires().tolist() == [[0, 0]]


def test_the_score_is_computed_only_for_cars_let_in(table: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    def counting(*, column: str) -> Trigger:
        def score(seen: SignalTable) -> np.ndarray:
            looked_at.append(seen.cars.tolist())
            return seen[column] > 0

        return score

    monkeypatch.setitem(KINDS, "counting", counting)
    spec = TriggerSpec(name="a", kind="counting", params={"column": "speed"}, when="moving")
    evaluator(spec, cars=4).observe(table(speed=[1.0] * 4, moving=[True, False, False, True]))
    assert looked_at[1:] == [[0, 3]]


def test_a_gate_that_is_undefined_is_undefined(table: Tables) -> None:
    watch = evaluator(surprise(when="speed > 3"))
    assert names(watch.observe(table(speed=[np.nan], lane__disagreement=[0.9]))) == ["UNDEFINED"]


def test_a_kind_that_says_yes_or_no_is_undefined_where_what_it_read_is(
    table: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "over", lambda *, column: lambda seen: seen[column] > 10)
    watch = evaluator(TriggerSpec(name="a", kind="over", params={"column": "speed"}), cars=2)
    assert names(watch.observe(table(speed=[1.0, 20.0], valid={"speed": [True, False]}))) == ["BELOW", "UNDEFINED"]


def test_reasons_are_counted_by_car_until_they_are_taken(table: Tables) -> None:
    memory = Memory(5, 3)
    watch = evaluator(fast(), memory=memory)
    for tick, speed in enumerate([[1.0, 20.0], [20.0, 20.0], [20.0, 20.0]]):
        watch.observe(table(tick=tick, first=6, speed=speed))
    counts = memory.take_counts()["fast"]
    assert counts.sum(axis=1).tolist() == [0, 3, 3]
    assert counts[1, [Reason.BELOW, Reason.FIRED, Reason.HELD]].tolist() == [1, 1, 1]
    assert memory.take_counts() == {}


def test_a_reason_can_be_amended(table: Tables, drive: Drive) -> None:
    memory = Memory(0, 1)
    drive(evaluator(fast(), memory=memory), [1, 20])
    memory.amend("fast", np.array([0], np.uint32), Reason.FIRED, Reason.PRIVATE)
    counts = memory.take_counts()["fast"][0]
    assert (counts[Reason.FIRED], counts[Reason.PRIVATE]) == (0, 1)


def test_a_cooldown_survives_a_change_of_loadout(drive: Drive) -> None:
    memory = Memory(0, 1)
    one = evaluator(fast(fire={"cooldown_s": 60}), memory=memory)
    two = evaluator(
        surprise(when=None, params={"task": "lane", "threshold": 2}), fast(fire={"cooldown_s": 60}), memory=memory
    )
    assert drive(one, [1, 20, 1]) == ["BELOW", "FIRED", "BELOW"]
    two = evaluator(fast(version=2, fire={"cooldown_s": 60}), memory=memory)
    assert drive(two, [1, 20, 1], start=3) == ["BELOW", "COOLDOWN", "BELOW"]
    assert drive(two, [1, 20], start=70) == ["BELOW", "FIRED"]


def test_an_edge_goes_on_through_a_change_of_loadout_that_keeps_the_trigger(drive: Drive) -> None:
    memory = Memory(0, 1)
    assert drive(evaluator(fast(), memory=memory), [1, 1]) == ["BELOW", "BELOW"]
    assert drive(evaluator(fast(), memory=memory), [20], start=2) == ["FIRED"]


@pytest.mark.parametrize("between", ["another version", "a time without it"])
def test_a_trigger_taken_up_anew_does_not_fire_on_what_is_true_already(drive: Drive, between: str) -> None:
    memory = Memory(0, 1)
    old, new, without = evaluator(fast(), memory=memory), fast(), evaluator(fast("other"), memory=memory)
    drive(old, [1, 1])
    if between == "another version":
        new = fast(version=2)
    else:
        drive(without, [1], start=2)
    assert drive(evaluator(new, memory=memory), [20, 1, 20], start=3) == ["HELD", "BELOW", "FIRED"]


def test_a_night_in_the_garage_is_no_new_deployment(drive: Drive) -> None:
    watch = evaluator(fast())
    assert drive(watch, [1]) + drive(watch, [20], start=30_000) == ["BELOW", "FIRED"]


def test_a_closed_trigger_is_silent_for_the_whole_cohort_until_opened(drive: Drive) -> None:
    memory = Memory(0, 1)
    one, two = evaluator(fast(), memory=memory), evaluator(fast(), surprise(when=None), memory=memory)
    one.close("fast")
    assert drive(one, [1, 20]) == ["FLEET_QUOTA", "FLEET_QUOTA"]
    two.open("fast")
    assert drive(one, [20, 1, 20], start=2) == ["HELD", "BELOW", "FIRED"]


def test_a_suspended_trigger_says_so_in_every_verdict_until_opened(drive: Drive) -> None:
    watch = evaluator(fast())
    watch.suspend("fast")
    watch.close("fast")
    assert drive(watch, [1, 20]) == ["SUSPENDED", "SUSPENDED"]
    watch.open("fast")
    assert drive(watch, [20, 1, 20], start=2) == ["HELD", "BELOW", "FIRED"]


def test_closing_what_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownTrigger, match="did you mean 'fast'"):
        evaluator(fast()).close("fats")


def test_a_trigger_expires_after_its_last_day(table: Tables) -> None:
    watch = evaluator(fast(limits={"expires": dt.date(2027, 1, 31)}), today=dt.date(2027, 1, 30))
    days = [names(watch.observe(table(tick=day * 864_000, speed=[1.0])))[0] for day in range(4)]
    assert days == ["BELOW", "BELOW", "EXPIRED", "EXPIRED"]


def test_without_a_date_nothing_expires(drive: Drive) -> None:
    assert drive(evaluator(fast(limits={"expires": dt.date(1999, 1, 1)})), [1, 20]) == ["BELOW", "FIRED"]


COURSES = st.lists(st.lists(st.sampled_from([0.0, 5.0, 20.0, np.nan]), min_size=6, max_size=6), min_size=1, max_size=12)


def ready(probe: Probe, folder: Path, memory: Memory) -> Evaluator:
    """Three triggers, one of each kind that ships, in a loadout of their own."""
    probe.save(folder / "w.safetensors")
    specs = [
        fast(fire={"cooldown_s": 0.3, "dwell_s": 0.1}),
        surprise(fire={"hysteresis": 0.2}, limits={"per_car_day": 2}),
        TriggerSpec(name="light", kind="probe", params={"weights": str(folder / "w.safetensors")}, when="speed < 15"),
    ]
    return evaluator(*specs, memory=memory)


def day(table: Tables, course: list[float], normal: Noise, tick: int) -> SignalTable:
    moving = [each != 5.0 for each in course]
    doubt = np.abs(normal(6, 1, salt=tick))[:, 0]
    return table(tick=tick, speed=course, moving=moving, lane__disagreement=doubt)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(courses=COURSES, split=st.lists(st.sampled_from([0, 1, 2]), min_size=6, max_size=6))
def test_a_cars_verdict_does_not_depend_on_its_company(
    *,
    table: Tables,
    normal: Noise,
    probe: Probe,
    tmp_path_factory: pytest.TempPathFactory,
    courses: list[list[float]],
    split: list[int],
) -> None:
    folder = tmp_path_factory.getbasetemp()
    together, apart = ready(probe, folder, Memory(0, 6)), ready(probe, folder, Memory(0, 6))
    for tick, course in enumerate(courses):
        cars = day(table, course, normal, tick)
        whole = together.observe(cars)
        for company in range(3):
            rows = np.flatnonzero(np.array(split) == company)
            part = apart.observe(cars.select(rows))
            assert np.array_equal(part.reasons, whole.reasons[rows])
            assert part.scores.tobytes() == whole.scores[rows].tobytes()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(courses=COURSES, at=st.integers(0, 12))
def test_a_checkpoint_goes_on_as_if_nothing_had_happened(
    *,
    table: Tables,
    normal: Noise,
    probe: Probe,
    tmp_path_factory: pytest.TempPathFactory,
    courses: list[list[float]],
    at: int,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    memory = Memory(0, 6)
    through, broken = ready(probe, folder, Memory(0, 6)), ready(probe, folder, memory)
    for tick, course in enumerate(courses):
        if tick == at:
            file = io.BytesIO()
            np.savez(file, **memory.state())
            file.seek(0)
            memory = Memory(0, 6)
            memory.restore(dict(np.load(file)))
            broken = ready(probe, folder, memory)
        cars = day(table, course, normal, tick)
        assert np.array_equal(through.observe(cars).reasons, broken.observe(cars).reasons)
    counts = memory.take_counts()
    assert all(counts[name].sum() == 6 * len(courses) for name in ("fast", "surprise", "light"))


@pytest.mark.parametrize(("stop", "reason"), [(Evaluator.close, "FLEET_QUOTA"), (Evaluator.suspend, "SUSPENDED")])
def test_a_checkpoint_keeps_what_is_stopped(drive: Drive, stop: Callable[..., None], reason: str) -> None:
    before, after = Memory(0, 1), Memory(0, 1)
    stop(evaluator(fast(), memory=before), "fast")
    after.restore(before.state())
    assert drive(evaluator(fast(), memory=after), [1]) == [reason]


def test_a_saved_state_does_not_change_afterwards(drive: Drive) -> None:
    memory = Memory(0, 1)
    watch = evaluator(fast(), memory=memory)
    drive(watch, [1, 20])
    state = memory.state()
    copies = {key: value.copy() for key, value in state.items()}
    drive(watch, [1, 20, 1], start=2)
    memory.restore(state)
    drive(watch, [1, 20, 1], start=2)
    assert all(np.array_equal(state[key], copies[key]) for key in copies)


def test_a_checkpoint_of_other_cars_is_refused() -> None:
    with pytest.raises(ForeignMemory, match="remembers cars 0 to 2, not cars 3 to 5"):
        Memory(3, 3).restore(Memory(0, 3).state())


@pytest.mark.parametrize("first", [0, 4])
def test_cars_of_another_cohort_are_refused(table: Tables, first: int) -> None:
    with pytest.raises(ValueError, match="cars must ascend within 1 … 4"):
        evaluator(fast(), memory=Memory(1, 4)).observe(table(speed=[1.0, 1.0], first=first))


def test_no_cars_are_no_trouble(table: Tables) -> None:
    verdicts = evaluator(fast(), surprise()).observe(
        table(speed=np.zeros(0), moving=np.zeros(0, bool), lane__disagreement=np.zeros(0))
    )
    assert (verdicts.reasons.shape, verdicts.scores.shape, len(verdicts.fires())) == ((0, 2), (0, 2), 0)


def test_no_triggers_are_no_trouble(table: Tables) -> None:
    assert evaluator().observe(table(speed=[1.0])).reasons.shape == (1, 0)


def test_a_probe_of_another_backbone_is_refused_before_anything_runs(
    probe: Probe, tmp_path: Path, table: Tables
) -> None:
    probe.save(tmp_path / "w")
    spec = TriggerSpec(name="light", kind="probe", params={"weights": str(tmp_path / "w")})
    with pytest.raises(ForeignBackbone, match=r"w: fitted to backbone abababababab…, and this is cdcdcdcdcdcd…"):
        Evaluator([spec], Memory(0, 1), tick_us=1, columns={}, backbone="cd" * 32)


def test_a_table_of_another_backbone_than_promised_is_refused(probe: Probe, tmp_path: Path, table: Tables) -> None:
    probe.save(tmp_path / "w")
    spec = TriggerSpec(name="light", kind="probe", params={"weights": str(tmp_path / "w")})
    watch, cars = evaluator(spec), table(speed=[1.0])
    watch.observe(cars)
    object.__setattr__(cars, "backbone", "cd" * 32)
    with pytest.raises(ForeignBackbone, match="the table of tick 0"):
        watch.observe(cars)


@pytest.mark.parametrize(
    ("spec", "error", "said"),
    [
        (
            fast(kind="expresion"),
            UnknownKind,
            "fast: kind: unknown trigger kind 'expresion'; did you mean 'expression'",
        ),
        (
            fast(params={"fire_when": "sped > 1"}),
            BadExpression,
            "fast: params: unknown signal 'sped'; did you mean 'speed'",
        ),
        (fast(when="movin"), BadExpression, "fast: when: unknown signal 'movin'; did you mean 'moving'"),
        (fast(when="speed"), BadExpression, "fast: when: this is a number, not a condition"),
        (surprise(params={"task": "lanes", "threshold": 1}), UnknownSignal, "did you mean 'lane.disagreement'"),
        (surprise(params={"task": "lane"}), BadSpec, "params.threshold: `disagreement` needs it"),
        (fast(fire={"hysteresis": 0.1}), BadSpec, "fire.hysteresis: this kind says yes or no"),
    ],
)
def test_a_spec_that_cannot_run_is_refused_before_anything_runs(
    spec: TriggerSpec, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as raised:
        evaluator(spec)
    assert said in str(raised.value)


def test_two_triggers_of_one_name_are_refused() -> None:
    with pytest.raises(BadSpec, match="two triggers of one loadout are called 'fast'"):
        evaluator(fast(), fast(version=2))


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (lambda table: table["speed"].astype(np.float64), r"this is float64"),
        (lambda table: table["speed"][:, None] > 0, r"float32 or bool of shape \(0,\), and this is bool \(0, 1\)"),
        (lambda _: None, "this is NoneType"),
        (lambda table: table["speed"], "needs a parameter `threshold`"),
    ],
)
def test_a_kind_that_breaks_its_contract_is_named(monkeypatch: pytest.MonkeyPatch, score: Trigger, said: str) -> None:
    monkeypatch.setitem(KINDS, "odd", lambda: score)
    with pytest.raises(BadKind, match=f"a: kind 'odd': .*{said}"):
        evaluator(TriggerSpec(name="a", kind="odd"))


def test_integer_signals_may_be_compared_exactly(table: Tables) -> None:
    watch = evaluator(fast(params={"fire_when": "gear == 3"}))
    got = [names(watch.observe(table(tick=i, gear=np.array([gear], np.int32))))[0] for i, gear in enumerate([2, 3])]
    assert got == ["BELOW", "FIRED"]
