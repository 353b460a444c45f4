import numpy as np
import pytest

from scenarios import SLICES

MOMENTS = {  # rain, fog, night: the slices they are in
    (0.0, 0.0, 0.0): {"dry day"},
    (0.0, 0.0, 0.9): {"dry night"},
    (0.3, 0.0, 0.2): {"rain"},
    (0.7, 0.0, 0.1): {"rain", "heavy rain"},
    (0.7, 0.2, 0.8): {"rainy night", "heavy rain", "fog"},
    (0.0, 0.1, 0.0): {"fog"},
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_moment_is_in_the_slices_that_its_weather_names(moment: tuple[float, float, float]) -> None:
    severity = {
        name: np.array([value], np.float32) for name, value in zip(("rain", "fog", "night"), moment, strict=True)
    }
    assert {name for name, holds in SLICES.items() if holds(severity)[0]} == MOMENTS[moment]


def test_slices_of_no_car_at_all_are_empty() -> None:
    nobody = {name: np.zeros(0, np.float32) for name in ("rain", "fog", "night")}
    assert all(holds(nobody).shape == (0,) for holds in SLICES.values())
