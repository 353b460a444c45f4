"""What a labeller who has the pictures could say of things; families share it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from scenarios import KINDS, Truth
from vehicle.tasks.spec import KindName, Part, TraitName, listed, one_of

AHEAD = ("main", "narrow", "wide")
EIGHT = (*AHEAD, "left_pillar", "right_pillar", "left_repeater", "right_repeater", "rear")
VISIBLE = 0.3  # share of a thing that must be in sight for a labeller to name it
DOUBT = 1 / 3  # below this share of the pixels asked for, a labeller would not see it at all
HALF_LANE_M = 1.6
NOBODY = -1
MEASURES = ("visible", "pixels", "distance_m", "tilt_deg", "state")

CameraName = Annotated[str, one_of("camera", EIGHT), listed(EIGHT)]
Measure = Annotated[str, one_of("measure", MEASURES), listed(MEASURES)]
Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]
Slots = NDArray[np.intp]


class ThingSubtask(Part):
    """What else is asked of the thing that a task is about: all that is said must hold of it."""

    classes: tuple[KindName, ...] = Field(default=(), description="it is of one of these kinds")
    trait: TraitName | None = Field(default=None, description="it has this trait")
    state: int | None = Field(default=None, ge=0, description="it shows this: lit, a colour, a number")
    above: Mapping[Measure, float] = Field(default_factory=dict, description="more than this of a measure")
    below: Mapping[Measure, float] = Field(default_factory=dict, description="less than this of a measure")
    min_pixels: float = Field(default=0.0, ge=0, description="labelled only where it is so large")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.model_fields_set - {"min_pixels"}:
            raise ValueError("asks nothing; say a trait, a state, classes, or above and below of a measure")
        return self

    def holds(self, of: Mapping[str, NDArray[Any]]) -> Bools:
        """Of which things it holds, (m,); of: columns of m things, as `Truth.things` gives them."""
        yes = np.ones(len(of["kind"]), np.bool_)
        if self.classes:
            yes &= np.isin(of["kind"], self.classes)
        if self.trait:
            yes &= of[self.trait]
        if self.state is not None:
            yes &= np.round(of["state"]) == self.state
        for measure, least in self.above.items():
            yes &= np.abs(of[measure]) > least
        for measure, most in self.below.items():
            yes &= np.abs(of[measure]) < most
        return yes


def judged(subtasks: Sequence[ThingSubtask], truth: Truth, subject: Slots) -> tuple[Bools, Bools]:
    """Whether each subtask holds of each car's thing, and whether one could tell; (n, subtasks) each.

    subject: (n,) place of the thing, NOBODY where there is none: there nothing holds and nothing can be told.
    """
    yes, told = (np.zeros((len(subject), len(subtasks)), np.bool_) for _ in range(2))
    rows = np.flatnonzero(subject != NOBODY)
    of = truth.things(rows, subject[rows]) if subtasks else {}
    for i, subtask in enumerate(subtasks):
        yes[rows, i] = subtask.holds(of)
        told[rows, i] = of["pixels"] >= subtask.min_pixels
    return yes, told


def of_kinds(truth: Truth, kinds: Sequence[str]) -> Bools:
    """Which things are of these kinds, (n, K)."""
    return np.isin(truth.kind, [KINDS.index(kind) for kind in kinds]) & truth.valid


def in_sight(truth: Truth, things: Bools, cameras: Sequence[str] = EIGHT) -> Floats:
    """Pixels of those things (n, K) that a labeller could name, not hidden, not in the fog; (n, cameras, K)."""
    here = places(cameras)
    clear = things & (truth.distance_m <= sight_m(truth)[:, None])
    return np.where(clear[:, None] & (truth.visible[:, here] >= VISIBLE), truth.pixels[:, here], 0)


def perhaps_in_sight(truth: Truth, things: Bools, cameras: Sequence[str] = EIGHT) -> Floats:
    """Pixels of all of these things (n, K), however hidden; (n, cameras, K)."""
    return np.where(things[:, None], truth.pixels[:, places(cameras)], 0)


def sight_m(truth: Truth) -> Floats:
    """How far fog lets a labeller see, (n,) metres: contrast falls to a twentieth (Koschmieder, 1924)."""
    return np.asarray(3.0 / (0.0033 + 0.11 * severity(truth, "fog")))


def paint_in_sight(truth: Truth) -> Bools:
    """Where a labeller could see the road's paint 40 m ahead, (n,) bool."""
    return sight_m(truth) > 40.0


def severity(truth: Truth, condition: str) -> NDArray[np.float32]:
    """How strong a condition is, (n,); a world that does not know it never has it."""
    return truth.severities.get(condition, np.zeros(len(truth.cars), np.float32))


def aside_m(truth: Truth) -> Floats:
    """How far left of the middle of the own lane things stand, whose bend is known; (n, K) metres."""
    bend_m = truth.curvature_1pm[:, None] / 2 * truth.x_m**2 - np.tan(truth.heading_error_rad)[:, None] * truth.x_m
    return np.asarray(truth.y_m - bend_m + truth.lane_offset_m[:, None])


def places(cameras: Sequence[str]) -> list[int]:
    """Where these cameras stand on the camera axis."""
    return [EIGHT.index(camera) for camera in cameras]
