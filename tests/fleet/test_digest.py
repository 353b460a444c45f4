from hypothesis import given
from hypothesis import strategies as st

from fleet.simulation.digest import Delivered, digest

DELIVERIES = st.lists(
    st.builds(Delivered, st.integers(0, 9), st.integers(0, 99), st.just("t"), st.integers(0, 9), st.just("f"))
)


@given(DELIVERIES.flatmap(lambda each: st.tuples(st.just(each), st.permutations(each))))
def test_the_digest_does_not_depend_on_order(orders: tuple[list[Delivered], list[Delivered]]) -> None:
    deliveries, shuffled = orders
    assert digest(shuffled) == digest(deliveries)


def test_every_part_of_a_delivery_counts() -> None:
    one = Delivered(1, 2, "t", 3, "f")
    others = [one._replace(car=9), one._replace(tick=9), one._replace(trigger="u"), one._replace(finished_us=9)]
    assert len({digest([each]) for each in [one, *others, one._replace(sha256="g")]}) == 6


def test_a_clip_delivered_twice_shows() -> None:
    one = Delivered(1, 2, "t", 3, "f")
    assert digest([one]) != digest([one, one])
