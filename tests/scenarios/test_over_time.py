"""What is there now was there before: nothing appears from nowhere, nothing jumps."""

import numpy as np
import pytest
from scenes import drawn

from scenarios import Truth

CARS = 12
BEGIN, TICKS, EVERY = 432_000, 60, 5
FAR_M = 42.0


@pytest.fixture(scope="module")
def story() -> list[Truth]:
    """Half a minute of some cars, twice a second."""
    return [drawn("all_weather").truth(np.arange(CARS), BEGIN + EVERY * i) for i in range(TICKS)]


def places(truth: Truth, car: int) -> dict[int, tuple[float, float]]:
    slots = np.flatnonzero(truth.encounter[car])
    return {int(truth.encounter[car, k]): (float(truth.x_m[car, k]), float(truth.y_m[car, k])) for k in slots}


def drives(story: list[Truth], car: int) -> list[int]:
    """Ticks at which the car moves, now and at the one before."""
    moving = [truth.speed_mps[car] > 0.5 for truth in story]
    return [i for i in range(1, TICKS) if moving[i] and moving[i - 1]]


def test_what_comes_into_sight_comes_from_afar(story: list[Truth]) -> None:
    came = []
    for car in range(CARS):
        for i in drives(story, car):
            before, now = places(story[i - 1], car), places(story[i], car)
            came += [np.hypot(*at) for number, at in now.items() if number not in before]
    assert len(came) > 50
    assert min(came) > FAR_M


def test_nothing_jumps(story: list[Truth]) -> None:
    steps = []
    for car in range(CARS):
        for i in drives(story, car):
            before, now = places(story[i - 1], car), places(story[i], car)
            steps += [np.hypot(*np.subtract(now[number], before[number])) for number in now.keys() & before.keys()]
    assert len(steps) > 1000
    assert max(steps) < 45.0 * EVERY / 10.0 * 1.7  # m in half a second, two vehicles at motorway speed


def test_what_is_hidden_now_was_seen_before_or_has_always_been_hidden(story: list[Truth]) -> None:
    """Things are hidden by what moves before them, not by leaving the world: they come out again as they were."""
    seen_again = 0
    for car in range(CARS):
        for number in {n for truth in story for n in truth.encounter[car].tolist() if n}:
            shares = []
            for truth in story:
                at = np.flatnonzero(truth.encounter[car] == number)
                inside = at.size and truth.box[car, :, at[0], 2].max() > 0 and truth.distance_m[car, at[0]] < FAR_M
                shares.append(float(truth.visible[car, :, at[0]].max()) if inside else np.nan)
            known = np.array([share for share in shares if not np.isnan(share)])
            hidden = np.flatnonzero(known < 0.1)
            seen_again += any((known[:h].max(initial=0) > 0.4) and (known[h:].max() > 0.4) for h in hidden)
    assert seen_again > 0
