"""What the occupancy tracker learns from, and how its numbers are chosen."""

import numpy as np
import pytest
import torch

from fleet.engine.occupancy_training import train_pixel_head
from fleet.engine.occupancy_tuning import LOOKS, Sorted, measured, tune, watch
from fleet.engine.pixel_labels import pixel_labels
from fleet.engine.sampling import Sampler
from fleet.engine.training import Schedule
from scenarios import CLASSES, GRID, Draws, open_world
from vehicle import PixelHead, load_network, occupancy

CARS = 200


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler(open_world("all_weather", seed=3, cars=CARS, compiled=False), CARS, Draws(3))


def test_foot_lines_are_labelled_where_vehicles_stand(sampler: Sampler) -> None:
    cars, ticks = sampler.moments(0, 24)
    rig = sampler.world.rig
    rows = rig.height - occupancy.first_row(rig) * occupancy.ROWS
    labels, _ = pixel_labels(sampler.world, cars, ticks, (rows, rig.width // occupancy.COLUMNS))
    image, row, column = torch.nonzero(labels[..., occupancy.ANSWERS.index("vehicle")], as_tuple=True)
    place = torch.stack([(column + 0.5) * occupancy.COLUMNS, row + rig.height - rows + 0.5], 1).double().numpy()
    car, number = np.divmod(image.numpy(), len(rig.cameras))
    cells = sampler.world.top_down(cars, ticks).cells[:, CLASSES.index("vehicle")]
    near, found = 0, 0
    for one, camera, pixel in zip(car, number, place, strict=True):
        ray = rig.cameras[camera].rays(pixel)
        ground = rig.cameras[camera].place[:2] + ray[:2] * rig.cameras[camera].z_m / max(-ray[2], 1e-3)
        inside = -10 < ground[0] < 26 and abs(ground[1]) < 18
        if inside and np.hypot(*ground) < 9.0 and pixel[1] < rig.height - 1:
            near += 1
            away = np.hypot(*(GRID.middles() - ground.astype(np.float32)).transpose(2, 0, 1))
            found += bool(cells[one][away < 1.2].any())
    assert near > 40
    assert found / near > 0.97


def test_ground_is_labelled_only_where_nothing_hides_it(sampler: Sampler) -> None:
    cars, ticks = sampler.moments(1, 8)
    labels, known = pixel_labels(sampler.world, cars, ticks, (40, 48))
    hidden = labels[..., occupancy.ANSWERS.index("hidden")] > 0
    assert hidden.any()
    assert not known[..., :3][hidden].any()
    assert known[..., 3:].all()
    assert 0.4 < labels[..., 0][known[..., 0]].mean() < 0.95  # what a car sees of the ground is mostly road


def test_log_odds_that_are_right_stay_and_such_as_are_too_bold_are_tempered() -> None:
    logit = np.linspace(-6, 6, 4001, dtype=np.float32)
    chance = 1 / (1 + np.exp(-logit))
    truth = Draws(1).uniform("yes", np.arange(4001)) < chance
    assert Sorted.of(logit, truth).platt == pytest.approx((1.0, 0.0), abs=0.12)
    slope, shift = Sorted.of(3 * logit + 6, truth).platt
    assert slope == pytest.approx(1 / 3, abs=0.05)
    assert shift == pytest.approx(-2.0, abs=0.25)


def test_the_best_threshold_is_the_one_with_the_best_overlap() -> None:
    log_odds = np.array([-2, -1, 0, 1, 2, 3], np.float32)
    found = Sorted.of(log_odds, np.array([False, False, True, False, True, True]))
    overlap, least = found.best
    assert overlap == pytest.approx(3 / 4)  # from 0 on: three found, one wrong
    assert -1.0 < least <= 0.0
    assert found.overlap_from(2.0) == pytest.approx(2 / 3)


def test_a_head_learns_and_its_numbers_can_be_chosen(sampler: Sampler) -> None:
    network, losses = load_network("hydranet-v1"), list[float]()
    head, steps = train_pixel_head(
        network,
        sampler,
        Schedule(steps=12, batch=4, rate=0.05),
        seed=1,
        progress=lambda _, loss: losses.append(loss),
    )
    assert steps == 12
    assert isinstance(head, PixelHead)
    assert losses[-1] < losses[0] / 3
    watched = watch(head, network, sampler, 32)
    assert watched.earlier.shape[1] == LOOKS
    tuning, thresholds = tune(watched, sampler.world.rig, lambda _: None)
    assert set(thresholds) == set(CLASSES)
    assert tuning.prior == pytest.approx(watched.cells.mean(axis=(0, 2)), abs=1e-3)
    figures = measured(watched, sampler.world.rig, tuning, thresholds)
    assert figures["drivable"] > 0.25
