from hypothesis import given
from hypothesis import strategies as st

from fleet.plan import RunPlan
from fleet.simulation.barrier import Ask, Decision, Ledger, Report, barriers_us
from fleet.simulation.digest import Delivered

ASKS = st.lists(
    st.builds(lambda tick, car: Ask(tick, car, "t", f"{car}-{tick}"), st.integers(0, 99), st.integers(0, 9)),
    unique=True,
)


def report(asks: list[Ask], delivered: tuple[Delivered, ...] = ()) -> Report:
    return Report(10_000_000, car_ticks=5, fires=len(asks), asks=asks, delivered=delivered)


@given(ASKS, st.integers(0, 20), st.integers(0, 5))
def test_a_quota_does_not_depend_on_shards(asks: list[Ask], cut: int, quota: int) -> None:
    one, _ = Ledger({"t": quota}).decide([report(asks)])
    two, _ = Ledger({"t": quota}).decide([report(asks[cut:]), report(asks[:cut])])
    assert one == two


@given(ASKS, st.integers(0, 5))
def test_a_quota_is_met_exactly_and_first_come_first_served(asks: list[Ask], quota: int) -> None:
    decision, entry = Ledger({"t": quota}).decide([report(asks)])
    assert decision.granted == {ask.clip for ask in sorted(asks)[:quota]}
    assert ("t" in decision.closed) == (len(asks) >= quota)
    assert entry["used"].get("t", 0) == min(quota, len(asks))


def test_a_ledger_goes_on_from_its_log() -> None:
    ledger = Ledger({"t": 2})
    _, entry = ledger.decide([report([Ask(1, 1, "t", "a")], (Delivered(1, 1, "t", 2, "f"),))])
    again = Ledger({"t": 2}).after([entry])
    assert again.decide([report([Ask(2, 1, "t", "b"), Ask(3, 1, "t", "c")])])[0] == Decision(frozenset({"b"}), ("t",))
    assert (again.car_ticks, again.fires) == (10, 3)
    assert again.digest == ledger.digest


def test_the_last_barrier_is_the_end() -> None:
    plan = RunPlan(world="rainy_city", start="00:00", duration="25s", barrier_every_s=10)
    assert barriers_us(plan, 0) == [10_000_000, 20_000_000, 25_000_000]
    assert barriers_us(plan, 20_000_000) == [25_000_000]
    assert barriers_us(plan, 25_000_000) == []
