import numpy as np
import torch
from little_world import LittleWorld

from vehicle import Network
from vehicle.perceive import perceive
from vehicle.shadow import Tally, disagreement, row_by_row, side_by_side

CARS = np.arange(20, dtype=np.uint32)


def test_a_candidate_with_one_new_head_disagrees_there_only(
    world: LittleWorld, production: Network, candidate: Network
) -> None:
    seen, shadow = perceive([production, candidate], world.frames(CARS, 700))
    found = disagreement(seen, shadow)
    assert {task for task, values in found.items() if values.any()} == {"pedestrians"}
    assert all(values.shape == (20,) and values.dtype == np.float32 for values in found.values())


def test_a_rows_disagreement_does_not_depend_on_its_company() -> None:
    a, b = (torch.randn(700, 5, generator=torch.Generator().manual_seed(i)).numpy() for i in range(2))

    def gap(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return (one.sigmoid() - other.sigmoid()).abs().amax(1)

    among_all = row_by_row(gap, a, b)
    for rows in ([0], [699], [3, 500, 2], list(range(257))):
        assert np.array_equal(among_all[rows], row_by_row(gap, a[rows], b[rows]))


def test_the_worst_candidate_gives_the_tasks_column() -> None:
    low, high = np.array([0.1, 0.5], np.float32), np.array([0.2, 0.3], np.float32)
    columns = side_by_side({"one": {"lead": low}, "two": {"lead": high}})
    assert columns["lead.disagreement"].tolist() == [np.float32(0.2), 0.5]
    assert columns["lead.disagreement.two"] is high


def test_a_tally_counts_ticks_sum_and_maximum_per_car_until_taken() -> None:
    tally = Tally(10, 3)
    for cars, value in (((10, 12), 0.25), ((12,), 0.75)):
        tally.add("candidate", np.array(cars, np.uint32), {"lead": np.full(len(cars), value, np.float32)})
    assert tally.take()["candidate", "lead"].tolist() == [[1, 0.25, 0.25], [0, 0, 0], [2, 1.0, 0.75]]
    assert tally.take() == {}
