"""What every condition must keep, whoever wrote it: each entry of CONDITIONS is put through this."""

from collections.abc import Callable

import pytest
import torch

from scenarios import CONDITIONS, Condition
from scenarios.conditions import View

IMAGES, ROWS, COLUMNS = 5, 12, 16
PLANES = ("red", "green", "blue")


def sandstorm(view: View, severity: torch.Tensor) -> View:
    """A user's condition: ochre haze over everything."""
    return view.mix((0.76, 0.60, 0.42), 0.8 * severity)


CONDITIONS_TO_TRY = {**CONDITIONS, "sandstorm": Condition(0.01, sandstorm)}
every_condition = pytest.mark.parametrize(
    "effect", [each.effect for each in CONDITIONS_TO_TRY.values()], ids=CONDITIONS_TO_TRY
)
Effect = Callable[[View, torch.Tensor], View]


def view_of(images: slice = slice(None)) -> View:
    """Noise of every brightness, at every depth up to the sky."""
    chance = torch.rand((9, IMAGES, ROWS, COLUMNS), generator=torch.Generator().manual_seed(4))
    red, green, blue, depth, light, grain, wet, ground, smear = chance[:, images]
    metres = 300.0 * depth**2
    there = (ground > 0.5).float(), (wet > 0.5).float()
    return View(red, green, blue, metres, metres / (metres + 60.0), light, grain, there[1], there[0], smear)


def strength(value: float, images: int = IMAGES) -> torch.Tensor:
    return torch.full((images, 1, COLUMNS), value)


def planes(view: View) -> torch.Tensor:
    return torch.stack([getattr(view, name) for name in PLANES])


@every_condition
@pytest.mark.parametrize("severity", [0.0, 0.3, 1.0])
def test_a_picture_keeps_its_shape_and_its_range(effect: Effect, severity: float) -> None:
    seen = planes(effect(view_of(), strength(severity)))
    assert seen.shape == (3, IMAGES, ROWS, COLUMNS)
    assert seen.dtype == torch.float32
    assert seen.min() >= 0.0
    assert seen.max() <= 1.0


@every_condition
def test_at_severity_0_nothing_happens(effect: Effect) -> None:
    assert torch.equal(planes(effect(view_of(), strength(0.0))), planes(view_of()))


@every_condition
def test_at_full_severity_something_does(effect: Effect) -> None:
    assert (planes(effect(view_of(), strength(1.0))) - planes(view_of())).abs().mean() > 0.05


@every_condition
def test_each_car_is_treated_apart(effect: Effect) -> None:
    severity = torch.linspace(0.0, 1.0, IMAGES)[:, None, None].expand(-1, 1, COLUMNS)
    together = planes(effect(view_of(), severity))
    for image in range(IMAGES):
        one = slice(image, image + 1)
        assert torch.equal(planes(effect(view_of(one), severity[one])), together[:, one])


@every_condition
def test_a_view_is_left_as_it_was(effect: Effect) -> None:
    view = view_of()
    effect(view, strength(0.7))
    assert torch.equal(planes(view), planes(view_of()))


@pytest.mark.parametrize("name", CONDITIONS_TO_TRY)
def test_a_condition_has_a_share_of_car_hours(name: str) -> None:
    assert 0.0 <= CONDITIONS_TO_TRY[name].probability <= 1.0
