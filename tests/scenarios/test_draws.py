import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import Draws
from scenarios.draws import philox

CARS = np.arange(20_000)
ONES = 0xFFFFFFFF
PUBLISHED = [  # kat_vectors of the Random123 distribution: counter, key, result
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES, ONES, ONES), (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED)
def test_philox_gives_the_published_numbers(counter: tuple, key: tuple, expected: tuple) -> None:
    words = philox(tuple(np.array([word], np.uint64) for word in counter), key)
    assert tuple(int(word[0]) for word in words) == expected


def test_several_streams_at_once_are_the_streams_one_by_one() -> None:
    ticks = np.stack([CARS[:50] * 7, CARS[:50] - 9])[:, :, None] + np.arange(2)
    at_once = Draws(3).several(["rain", "fog"], CARS[:50, None], ticks)
    for row, stream in enumerate(("rain", "fog")):
        alone = Draws(3).four(stream, CARS[:50, None], ticks[row])
        assert all(np.array_equal(words[row], word) for words, word in zip(at_once, alone, strict=True))


def test_uniform_draws_are_spread_evenly() -> None:
    drawn = Draws(3).uniform("even", CARS, 12)
    counts = np.histogram(drawn, 50, (0.0, 1.0))[0]
    assert ((counts - 400.0) ** 2 / 400.0).sum() < 95.0  # chi-squared with 49 degrees: 95 has a chance of 1 in 10,000
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0


def test_normal_draws_have_the_moments_of_a_normal() -> None:
    drawn = Draws(3).normal("bell", CARS)
    assert abs(drawn.mean()) < 0.03
    assert abs(drawn.std() - 1.0) < 0.02
    assert abs((np.abs(drawn) < 1.0).mean() - 0.6827) < 0.012


def test_whole_numbers_cover_their_range() -> None:
    assert np.unique(Draws(3).integers("dice", CARS, high=6)).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("other", [(3, "b", 0), (3, "a", 1), (4, "a", 0), (3 + (1 << 32), "a", 0)])
def test_seed_stream_and_tick_each_give_independent_draws(other: tuple[int, str, int]) -> None:
    seed, stream, tick = other
    first, second = Draws(3).uniform("a", CARS), Draws(seed).uniform(stream, CARS, tick)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_four_draws_at_once_are_independent_of_each_other() -> None:
    assert np.abs(np.corrcoef(np.stack(Draws(3).four("many", CARS))) - np.eye(4)).max() < 0.03


@given(cars=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=9), tick=st.integers(-(2**60), 2**60))
def test_a_draw_is_the_same_in_any_company_and_order(cars: list[int], tick: int) -> None:
    draws = Draws(11)
    together = draws.uniform("company", cars, tick)
    assert together.tolist() == [float(draws.uniform("company", car, tick)) for car in cars]
    assert together[::-1].tolist() == draws.uniform("company", cars[::-1], tick).tolist()


def test_cars_and_ticks_broadcast() -> None:
    draws = Draws(11)
    table = draws.uniform("grid", CARS[:3, None], np.arange(4))
    assert table.shape == (3, 4)
    assert table[2, 3] == draws.uniform("grid", 2, 3)
    assert draws.uniform("grid", CARS[:0]).shape == (0,)
