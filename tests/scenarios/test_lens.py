"""Radial distortion, there and back."""

import numpy as np
import pytest

from scenarios.cameras.lens import bent, reach, straightened

BARREL = (-0.3, 0.06, 0.0)
FOLDING = (-0.35, 0.0, 0.0)
RADII = np.linspace(0.0, 3.0, 4001)
every_lens = pytest.mark.parametrize("terms", [BARREL, FOLDING, (0.2, 0.1, 0.05), (-0.25, -0.1, 0.2), (0.0, 0.0, -0.4)])


def test_a_radius_is_bent_as_by_hand() -> None:
    assert bent(np.array([0.5]), (-0.3, 0.1, 0.02)) == pytest.approx(
        0.5 * (1 - 0.3 * 0.25 + 0.1 * 0.0625 + 0.02 * 0.015625)
    )


def test_a_polynomial_that_turns_is_followed_up_to_there() -> None:
    assert reach(FOLDING) == pytest.approx(np.sqrt(1 / (3 * 0.35)))
    assert reach((0.0, 0.0, 0.0)) == reach((0.2, 0.1, 0.05)) == np.inf


@every_lens
def test_what_is_further_out_is_shown_further_out(terms: tuple[float, float, float]) -> None:
    assert (np.diff(bent(RADII, terms)) > 0).all()
    edge = min(reach(terms), 3.0)
    assert bent(np.array([edge - 1e-9]), terms) == pytest.approx(bent(np.array([edge + 1e-9]), terms), abs=1e-5)


@every_lens
def test_straightening_undoes_bending(terms: tuple[float, float, float]) -> None:
    assert straightened(bent(RADII, terms), terms) == pytest.approx(RADII, abs=1e-7)
    assert bent(straightened(RADII, terms), terms) == pytest.approx(RADII, abs=1e-12)
