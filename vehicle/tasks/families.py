"""Task families: small functions that make a task. Labels use only what a labeller who has the pictures could see."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from scenarios import KINDS, Truth
from vehicle.tasks.task import Task

AHEAD = ("main", "narrow", "wide")
EIGHT = (*AHEAD, "left_pillar", "right_pillar", "left_repeater", "right_repeater", "rear")
VISIBLE = 0.3  # share of a thing that must be in sight for a labeller to name it
HALF_LANE_M = 1.6
DOUBT = 1 / 3  # below this share of the pixels asked for, a labeller would not see it at all


def presence_per_camera(*kinds: str, min_pixels: float, cameras: tuple[str, ...] = EIGHT) -> Task:
    """Whether a camera shows one of these kinds: a probability for each camera.

    What is too small or too hidden for a yes, and too large for a no, is not labelled.
    """
    columns = [EIGHT.index(camera) for camera in cameras]

    def sure(truth: Truth) -> NDArray[np.bool_]:
        return _most_pixels(truth, kinds, visible=VISIBLE, within_m=sight_m(truth))[:, columns] >= min_pixels

    def labelable(truth: Truth) -> torch.Tensor:
        nothing = _most_pixels(truth, kinds, visible=0.0, within_m=np.inf)[:, columns] < DOUBT * min_pixels
        return torch.from_numpy(sure(truth) | nothing)

    return Task(cameras, lambda truth: _label(sure(truth)), _yes_or_no, _widest_gap, labelable=labelable)


def landmark(*kinds: str, min_pixels: float) -> Task:
    """Whether any camera that looks ahead shows one of these kinds; what only resembles them is a no."""
    one_by_one = presence_per_camera(*kinds, min_pixels=min_pixels, cameras=AHEAD)

    def label(truth: Truth) -> torch.Tensor:
        return one_by_one.label(truth).amax(1, keepdim=True)

    def labelable(truth: Truth) -> torch.Tensor:
        clear = one_by_one.labelable(truth) if one_by_one.labelable else torch.ones(len(truth.cars), 1)
        return (label(truth) > 0) | clear.bool().all(1, keepdim=True)

    return Task(1, label, _yes_or_no, _widest_gap, labelable=labelable)


def lead_vehicle(*, min_pixels: float, within_m: float = 60.0) -> Task:
    """Whether a vehicle drives ahead in the own lane, and whether its brake lights are on (labelled where it does)."""

    def label(truth: Truth) -> torch.Tensor:
        lead, distance_m = _lead(truth, min_pixels)
        braking = np.take_along_axis(truth.state, lead[:, None], 1)[:, 0] > 0.5
        return _label(np.stack([distance_m < within_m, braking & (distance_m < within_m)], 1))

    def labelable(truth: Truth) -> torch.Tensor:
        _, certain_m = _lead(truth, min_pixels)
        _, possible_m = _lead(truth, DOUBT * min_pixels)
        present = certain_m < within_m
        absent = (possible_m > 1.2 * within_m) & (sight_m(truth)[:, 0] > within_m)
        return torch.from_numpy(np.stack([present | absent, present], 1))

    return Task(("present", "braking"), label, _yes_or_no, _widest_gap, labelable=labelable)


def lead_distance(*, min_pixels: float, within_m: float = 60.0) -> Task:
    """How far ahead it drives, metres; learnt as a ratio, for a metre matters less far away."""
    unit_m = 20.0

    def read(outputs: torch.Tensor) -> torch.Tensor:
        return unit_m * outputs.clamp(-4, 2).exp()

    return Task(
        outputs=("m",),
        label=lambda truth: _label(np.minimum(_lead(truth, min_pixels)[1], within_m)[:, None]),
        loss=lambda outputs, label: smooth_l1_loss(outputs, (label / unit_m).clamp(min=0.02).log()),
        disagree=_mean_gap,
        read=read,
        labelable=lambda truth: torch.from_numpy(_lead(truth, min_pixels)[1] < within_m),
    )


def quantity(
    units: dict[str, float],
    measure: Callable[[Truth], NDArray[np.floating]],
    *,
    labelable: Callable[[Truth], NDArray[np.bool_]],
) -> Task:
    """Numbers with a unit. units: name of an output to what counts as much of it; measure: truth to (n, outputs)."""
    scale = torch.tensor(list(units.values()))

    return Task(
        outputs=tuple(units),
        label=lambda truth: _label(measure(truth)),
        loss=lambda outputs, label: smooth_l1_loss(outputs, label / scale),
        disagree=_mean_gap,
        read=lambda outputs: outputs * scale,
        labelable=lambda truth: torch.from_numpy(labelable(truth)),
    )


def place_ahead(distance_m: Callable[[Truth], NDArray[np.floating]], *, within_m: float, none_within_m: float) -> Task:
    """Whether something painted on the road lies ahead; unlabelled where it lies between the two distances."""

    def labelable(truth: Truth) -> torch.Tensor:
        distance = distance_m(truth)
        sure = (distance < within_m) | (distance > none_within_m)
        return torch.from_numpy(sure & (sight_m(truth)[:, 0] > within_m))[:, None]

    return Task(
        outputs=1,
        label=lambda truth: _label(distance_m(truth) < within_m)[:, None],
        loss=_yes_or_no,
        disagree=_widest_gap,
        labelable=labelable,
    )


def weather_tags(*conditions: str) -> Task:
    """How strong weather and darkness are: a share of the strongest, 0 to 1, for each."""

    def label(truth: Truth) -> torch.Tensor:
        dry = np.zeros(len(truth.cars), np.float32)
        return _label(np.stack([truth.severities.get(name, dry) for name in conditions], 1))

    return Task(conditions, label, _yes_or_no, _widest_gap)


def sight_m(truth: Truth) -> NDArray[np.floating]:
    """How far fog lets a labeller see, (n, 1) metres: contrast falls to a twentieth (Koschmieder, 1924)."""
    fog = truth.severities.get("fog", np.zeros(len(truth.cars), np.float32))
    return (3.0 / (0.0033 + 0.11 * fog))[:, None]


def paint_in_sight(truth: Truth) -> NDArray[np.bool_]:
    """Where a labeller could see the road's paint 40 m ahead, (n,) bool."""
    return sight_m(truth)[:, 0] > 40.0


def _most_pixels(
    truth: Truth, kinds: tuple[str, ...], *, visible: float, within_m: NDArray[np.floating] | float
) -> NDArray[np.float32]:
    """Pixels of the largest thing of these kinds that is at least so visible and at most so far, (n, cameras)."""
    counts = np.isin(truth.kind, _codes(*kinds)) & truth.valid & (truth.distance_m <= within_m)  # (n, K)
    pixels = np.where(counts[:, None] & (truth.visible >= visible), truth.pixels, 0)  # (n, C, K)
    most: NDArray[np.float32] = pixels.max(axis=2, initial=0)
    return most


def _lead(truth: Truth, min_pixels: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Slot and distance in metres of the nearest vehicle ahead in the own lane, (n,) each; infinity where none is."""
    main = EIGHT.index("main")
    clear = (truth.visible[:, main] >= VISIBLE) & (truth.distance_m <= sight_m(truth))
    seen = clear & (truth.pixels[:, main] >= min_pixels)
    vehicle = np.isin(truth.kind, _codes("vehicle", "truck")) & truth.valid & seen
    distance_m = np.where(vehicle & _in_own_lane(truth), truth.distance_m, np.inf).astype(np.float64)
    nearest = distance_m.argmin(axis=1)
    return nearest, np.take_along_axis(distance_m, nearest[:, None], 1)[:, 0]


def _in_own_lane(truth: Truth) -> NDArray[np.bool_]:
    """(n, K): whether a thing's middle lies on the own lane ahead, whose bend is known."""
    bend_m = truth.curvature_1pm[:, None] / 2 * truth.x_m**2 - np.tan(truth.heading_error_rad)[:, None] * truth.x_m
    aside_m = truth.y_m - bend_m + truth.lane_offset_m[:, None]
    own: NDArray[np.bool_] = (truth.x_m > 0) & (np.abs(aside_m) < HALF_LANE_M)
    return own


def _codes(*kinds: str) -> list[int]:
    return [KINDS.index(kind) for kind in kinds]


def _label(values: NDArray[np.generic]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


_yes_or_no = binary_cross_entropy_with_logits


def _widest_gap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.sigmoid() - b.sigmoid()).abs().amax(1)


def _mean_gap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a - b).abs().mean(1).clamp(max=1)
