from collections.abc import Callable

import numpy as np
import pytest

from triggers import SignalTable, TriggerError

Tables = Callable[..., SignalTable]


def test_an_unknown_signal_is_refused_with_the_nearest_name(table: Tables) -> None:
    with pytest.raises(TriggerError, match=r"unknown signal 'Vehicle.Sped'; did you mean 'Vehicle.Speed'\?"):
        table(Vehicle__Speed=[1.0])["Vehicle.Sped"]


def test_what_is_not_finite_is_never_valid(table: Tables) -> None:
    cars = table(a=[1.0, np.nan, np.inf, -np.inf], valid={"a": [True] * 4})
    assert cars.defined("a").tolist() == [True, False, False, False]


def test_what_is_marked_invalid_is_undefined_whatever_its_value(table: Tables) -> None:
    cars = table(a=[1.0, 2.0], b=[True, False], valid={"a": [False, True], "b": [True, False]})
    assert cars.defined("a").tolist() == [False, True]
    assert cars.defined("b").tolist() == [True, False]


def test_a_selection_shows_only_its_rows(table: Tables) -> None:
    cars = table(a=[1.0, 2.0, 3.0], valid={"a": [True, False, True]}, first=7)
    some = cars.select(np.array([1, 2]))
    assert (some.cars.tolist(), some["a"].tolist(), some.defined("a").tolist()) == ([8, 9], [2, 3], [False, True])
    assert np.array_equal(some.embedding, cars.embedding[1:])


def test_a_selection_has_the_same_names(table: Tables) -> None:
    some = table(a=[1.0], b=[2.0]).select(np.array([0]))
    assert set(some.columns) == {"a", "b"}
    assert len(some.columns) == 2
    assert "c" not in some.columns


def test_a_table_cannot_be_changed(table: Tables) -> None:
    cars: SignalTable = table(a=[1.0])
    with pytest.raises(AttributeError):
        cars.tick = 5
