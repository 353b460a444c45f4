import numpy as np
import pytest

from scenarios import CONDITIONS, SLICES, TRAITS, slices_of

NAMES = ("rain", "fog", "night", "snow", "glare", "dirty_lens", "tunnel")
MOMENTS = {  # severities by name, and the slices of weather and light that they are in
    "": {"dry day"},
    "night=0.9": {"dry night", "night"},
    "rain=0.3 night=0.2": {"rain"},
    "rain=0.7 night=0.1": {"rain", "heavy rain"},
    "rain=0.7 fog=0.2 night=0.8": {"night", "rainy night", "heavy rain", "fog"},
    "fog=0.1": {"fog"},
    "snow=0.4": {"snow"},
    "glare=0.5": {"dry day", "glare"},
    "dirty_lens=0.5 tunnel=1": {"dry day", "dirty lens", "tunnel"},
}


def moment(said: str) -> dict[str, np.ndarray]:
    values = dict(part.split("=") for part in said.split())
    return {name: np.array([values.get(name, 0.0)], np.float32) for name in NAMES}


@pytest.mark.parametrize("said", MOMENTS)
def test_a_moment_is_in_the_slices_that_its_weather_names(said: str) -> None:
    assert {name for name, holds in slices_of(moment(said)).items() if holds[0]} == MOMENTS[said]


def test_a_slice_is_told_only_where_its_columns_are() -> None:
    assert "motorway" not in slices_of(moment(""))
    road = {**moment(""), "road": np.array(["motorway"])}
    assert slices_of(road)["motorway"].tolist() == [True]
    assert "occluded" not in slices_of(road)


def test_a_thing_is_in_the_slices_of_its_own_and_of_its_moment() -> None:
    traits = {trait: np.array([trait in {"held", "tilted"}]) for trait in TRAITS}
    own = {"visible": np.array([0.4]), "distance_m": np.array([31.0]), "tilt_deg": np.array([-25.0])}
    found = slices_of({**moment("snow=0.5"), "road": np.array(["urban"]), **own, **traits})
    assert set(found) == set(SLICES)
    assert {name for name, holds in found.items() if holds[0]} == {
        "snow", "urban", "occluded", "far", "tilted", "held",
    }  # fmt: skip


def test_slices_of_no_car_at_all_are_empty() -> None:
    nobody = {name: np.zeros(0, np.float32) for name in (*CONDITIONS, "tunnel")}
    assert all(holds.shape == (0,) for holds in slices_of(nobody).values())
